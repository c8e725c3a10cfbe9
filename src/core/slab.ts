const slabBytes = 64 * 1024

/** Memory for short rows, one after the other: memory of its own costs each of them more than what is in it. What is kept for long pins all of a slab. */
export class Slab {
  #bytes = new Uint8Array(0)
  #used = 0

  take(length: number): Uint8Array {
    if (length > slabBytes / 4) return new Uint8Array(length)
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(slabBytes)
      this.#used = 0
    }
    return this.#bytes.subarray(this.#used, (this.#used += length))
  }
}
