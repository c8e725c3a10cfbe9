/** What is kept at most; beyond that all of it is let go. */
const maxBytes = 4 * 1024 * 1024
/** Hashes of what came once: more than come before one of them comes again. */
const maxOnce = 8_192
/** Of one hash: whoever makes up bytes of equal hashes finds fewer of them kept. */
const maxAlike = 8

interface Kept<V> {
  readonly bytes: Uint8Array
  readonly value: V
}

/** Values by the bytes that they were read from. A cache: dropping it changes nothing. */
export class KeptByBytes<V> {
  readonly #maxValues: number
  readonly #byHash = new Map<number, Kept<V>[]>()
  readonly #once = new Set<number>()
  #values = 0
  #bytes = 0

  constructor(maxValues: number) {
    this.#maxValues = maxValues
  }

  /** `isIt` compares exact bytes. */
  find(hash: number, isIt: (bytes: Uint8Array, value: V) => boolean): V | undefined {
    return this.#byHash.get(hash)?.find(({ bytes, value }) => isIt(bytes, value))?.value
  }

  /** Whether bytes of this hash come for the first time, as far as is remembered: what comes once is not worth keeping. */
  isFirst(hash: number): boolean {
    if (this.#once.delete(hash)) return false
    if (this.#once.size >= maxOnce) this.#once.clear()
    this.#once.add(hash)
    return true
  }

  keep(hash: number, bytes: Uint8Array, value: V): void {
    if (this.#values >= this.#maxValues || this.#bytes + bytes.length > maxBytes) {
      this.#byHash.clear()
      this.#values = 0
      this.#bytes = 0
    }
    this.#values++
    this.#bytes += bytes.length
    const known = { bytes, value }
    const alike = this.#byHash.get(hash)
    if (alike === undefined) this.#byHash.set(hash, [known])
    else if (alike.length < maxAlike) alike.push(known)
    else alike[this.#values % maxAlike] = known
  }
}
