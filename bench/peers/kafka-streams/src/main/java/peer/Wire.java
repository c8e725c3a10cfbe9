package peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/** Records as bytes: strings and lists with a length before them, as Avro has them. */
final class Wire {
  private Wire() {}

  static void text(ByteBuffer out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.put((byte) bytes.length).put(bytes);
  }

  static String text(ByteBuffer in) {
    byte[] bytes = new byte[in.get()];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static void texts(ByteBuffer out, Collection<String> texts) {
    out.put((byte) texts.size());
    for (String text : texts) text(out, text);
  }

  static byte[] taken(ByteBuffer out) {
    byte[] bytes = new byte[out.position()];
    out.flip().get(bytes);
    out.clear();
    return bytes;
  }
}
