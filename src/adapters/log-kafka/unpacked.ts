/** What is read of one batch at most, bytes: twice the largest record that there may be. Ours have less; a stranger's few bytes may stand for any number. */
export const maxUnpackedBytes = 128 * 1024 * 1024
const firstBytes = 64 * 1024

/** A batch would take more memory than any of ours does. */
export class UnpackedTooLarge extends Error {
  override name = 'UnpackedTooLarge'

  constructor() {
    super(`a batch unpacks to more than ${maxUnpackedBytes} bytes`)
  }
}

/** Bytes that grow out of literals and of copies of what came before (LZ77). */
export class Unpacked {
  #bytes = Buffer.allocUnsafe(firstBytes)
  #at = 0

  literal(from: Buffer, start: number, length: number): void {
    if (length < 0 || start + length > from.length) throw new Error('a packed batch ends in the middle: its bytes are damaged')
    this.#make(length)
    from.copy(this.#bytes, this.#at, start, start + length)
    this.#at += length
  }

  /** `length` bytes from `back` bytes ago on: the copy itself may be part of what is copied. */
  copy(back: number, length: number): void {
    if (back < 1 || back > this.#at) throw new Error('a packed batch refers to what lies before it: its bytes are damaged')
    this.#make(length)
    const start = this.#at - back
    if (back >= length) this.#bytes.copyWithin(this.#at, start, start + length)
    else for (let i = 0; i < length; i++) this.#bytes[this.#at + i] = this.#bytes[start + i]!
    this.#at += length
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  #make(room: number): void {
    const needed = this.#at + room
    if (needed > maxUnpackedBytes) throw new UnpackedTooLarge()
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}
