/** Bytes are looked at four at a time. What they lie in is mostly what was looked at last: rows and records share memory. */
class Words {
  #buffer: ArrayBufferLike = new ArrayBuffer(0)
  #view = new DataView(this.#buffer)

  over(buffer: ArrayBufferLike): DataView {
    if (this.#buffer !== buffer) {
      this.#buffer = buffer
      this.#view = new DataView(buffer)
    }
    return this.#view
  }
}

/** Of fewer, going by bytes takes less than finding their words. */
const leastBytesByWords = 24

const left = new Words()
const right = new Words()

/** Of every bit (murmur3's, seed 0, without its end): lists often differ in one digit only, and what a hash can't tell apart pushes each other out. */
export function hashOf(bytes: Uint8Array, from: number, end: number): number {
  const words = left.over(bytes.buffer)
  const { byteOffset } = bytes
  const wholeEnd = end - ((end - from) & 3)
  let hash = end - from
  for (let i = from; i < wholeEnd; i += 4) hash = mixed(hash, words.getInt32(byteOffset + i, true))
  for (let i = wholeEnd; i < end; i++) hash = mixed(hash, bytes[i]!)
  return hash
}

function mixed(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  const next = hash ^ Math.imul(k, 0x1b873593)
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0
}

/** Whether two pieces say the same: equal content that was packed in the same way is equal bytes. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && isAt(b, 0, a, 0, a.length)

/** Whether what lies at `at` is what another piece has from `from` to `to`; not where it ends before. */
export function isAt(bytes: Uint8Array, at: number, of: Uint8Array, from: number, to: number): boolean {
  const length = to - from
  if (at + length > bytes.length) return false
  let whole = 0
  if (length >= leastBytesByWords) {
    whole = length & ~3
    const words = left.over(bytes.buffer)
    const others = right.over(of.buffer)
    for (let i = 0; i < whole; i += 4) if (words.getInt32(bytes.byteOffset + at + i) !== others.getInt32(of.byteOffset + from + i)) return false
  }
  for (let i = whole; i < length; i++) if (bytes[at + i] !== of[from + i]) return false
  return true
}
