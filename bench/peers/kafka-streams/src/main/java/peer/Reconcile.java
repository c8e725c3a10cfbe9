package peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Compares each account's effective permissions with the desired ones and tells the differences that are new or gone. Of an account
 * the state holds the record as it came and its open findings; an equal record writes nothing.
 */
final class Reconcile implements Processor<byte[], byte[], byte[], byte[]> {
  static final String DESIRED = "desired";
  static final String SEEN = "seen";
  static final AtomicLong FIRST_NANOS = new AtomicLong();

  private final boolean chunked;
  private final Map<String, Bits> roles = new HashMap<>();
  private final Map<String, Integer> permissions = new HashMap<>();
  private KeyValueStore<Bytes, byte[]> desired;
  private KeyValueStore<Bytes, byte[]> seen;
  private ProcessorContext<byte[], byte[]> context;
  private long timestamp;

  Reconcile(boolean chunked) {
    this.chunked = chunked;
    for (int number = 0; number < Workload.PERMISSIONS; number++) permissions.put(Workload.permission(number), number);
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    desired = context.getStateStore(DESIRED);
    seen = context.getStateStore(SEEN);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    timestamp = record.timestamp();
    String topic = context.recordMetadata().orElseThrow().topic();
    if (topic.equals(Topics.DESIRED)) {
      if (record.key() == null) define(ByteBuffer.wrap(record.value()));
      else desired.put(Bytes.wrap(record.key()), bytesOf(assigned(ByteBuffer.wrap(record.value()))));
      return;
    }
    if (FIRST_NANOS.get() == 0) FIRST_NANOS.compareAndSet(0, System.nanoTime());
    if (!chunked) {
      judge(record.key(), record.value());
      return;
    }
    ByteBuffer chunk = ByteBuffer.wrap(record.value());
    while (chunk.hasRemaining()) {
      byte[] key = new byte[chunk.get()];
      chunk.get(key);
      byte[] value = new byte[chunk.getShort()];
      chunk.get(value);
      judge(key, value);
    }
  }

  /** A role and what its holder gets; its parent was defined before it. */
  private void define(ByteBuffer definition) {
    String role = Wire.text(definition);
    Bits parent = roles.get(Wire.text(definition));
    Bits closure = new Bits();
    if (parent != null) closure.add(parent);
    for (int left = definition.get(); left > 0; left--) closure.set(permissions.get(Wire.text(definition)));
    roles.put(role, closure);
  }

  private Bits assigned(ByteBuffer in) {
    Bits effective = new Bits();
    for (int left = in.get(); left > 0; left--) effective.add(roles.get(Wire.text(in)));
    for (int left = in.get(); left > 0; left--) effective.set(permissions.get(Wire.text(in)));
    return effective;
  }

  private void judge(byte[] key, byte[] account) {
    Bytes id = Bytes.wrap(key);
    byte[] row = seen.get(id);
    int kept = row == null ? 0 : row.length - 2 * Bits.BYTES;
    if (row != null && Arrays.equals(row, 0, kept, account, 0, account.length)) return;
    ByteBuffer in = ByteBuffer.wrap(account);
    for (int attribute = 0; attribute < 3; attribute++) in.position(in.position() + 1 + in.get(in.position()));
    Bits effective = assigned(in);
    byte[] wanted = desired.get(id);
    ByteBuffer next = ByteBuffer.allocate(account.length + 2 * Bits.BYTES).put(account);
    tell(key, "unauthorised-grant", row, kept, next, effective, wanted, true);
    tell(key, "missing-grant", row, kept + Bits.BYTES, next, effective, wanted, false);
    seen.put(id, next.array());
  }

  /** The differences of one kind: opened where the row before did not have them, closed where only it had. */
  private void tell(byte[] key, String kind, byte[] row, int at, ByteBuffer next, Bits effective, byte[] wanted, boolean granted) {
    for (int word = 0; word < effective.words.length; word++) {
      long has = effective.words[word];
      long should = wanted == null ? 0 : ByteBuffer.wrap(wanted).getLong(8 * word);
      long now = granted ? has & ~should : should & ~has;
      long before = row == null ? 0 : ByteBuffer.wrap(row).getLong(at + 8 * word);
      next.putLong(now);
      for (long left = now ^ before; left != 0; left &= left - 1) {
        int permission = 64 * word + Long.numberOfTrailingZeros(left);
        String change = (now & Long.lowestOneBit(left)) != 0 ? "opened" : "closed";
        String finding = change + " " + kind + " " + new String(key, StandardCharsets.UTF_8) + " " + Workload.permission(permission);
        context.forward(new Record<>(key, finding.getBytes(StandardCharsets.UTF_8), timestamp));
      }
    }
  }

  private static byte[] bytesOf(Bits bits) {
    ByteBuffer out = ByteBuffer.allocate(Bits.BYTES);
    for (long word : bits.words) out.putLong(word);
    return out.array();
  }
}
