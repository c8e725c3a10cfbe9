package peer;

/** A set of permissions by number. */
final class Bits {
  static final int BYTES = 32;
  final long[] words = new long[4];

  void set(int bit) {
    words[bit >> 6] |= 1L << bit;
  }

  boolean has(int bit) {
    return (words[bit >> 6] & 1L << bit) != 0;
  }

  void add(Bits other) {
    for (int i = 0; i < words.length; i++) words[i] |= other.words[i];
  }
}
