/** Several writers, parts, or bytes that can't be read: has to be decoded by whoever comes by. */
export const mixed = 0xffff
const unknown = 0

/**
 * Who wrote each message of one partition, as far as anybody has looked: a task's messages hold its records only, so the other
 * tasks need not decode them. Two bytes of memory a message.
 */
export class MessageWriters {
  #first: number | null = null
  #writers = new Uint16Array(1_024)

  /** undefined where nobody has looked yet */
  get(offset: number): number | undefined {
    const writer = this.#first === null ? unknown : (this.#writers[offset - this.#first] ?? unknown)
    return writer === unknown ? undefined : writer
  }

  /** Offsets are told in growing order. */
  set(offset: number, writer: number): void {
    this.#first ??= offset
    const at = offset - this.#first
    if (at >= this.#writers.length) {
      const larger = new Uint16Array(Math.max(at + 1, this.#writers.length * 2))
      larger.set(this.#writers)
      this.#writers = larger
    }
    this.#writers[at] = writer
  }
}
