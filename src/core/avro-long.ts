/** The zig-zag varint at `at`, which is a safe integer. */
export function readLong(bytes: Uint8Array, at: number): number {
  let value = 0
  let factor = 1
  for (let i = at; ; i++) {
    const byte = bytes[i]!
    value += (byte & 0x7f) * factor
    if (byte < 0x80) break
    factor *= 128
  }
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}
