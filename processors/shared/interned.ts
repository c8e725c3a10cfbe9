import { deepFreeze } from '../../src/core/frozen.ts'

/** What is kept at most; beyond that all of it is let go. */
const maxBytes = 4 * 1024 * 1024
const maxValues = 1_024
/** Hashes of what came once: more than come before one of them comes again. */
const maxOnce = 8 * maxValues
/** Of one hash: whoever makes up bytes of equal hashes finds fewer of them kept. */
const maxAlike = 8

/**
 * Values that come again and again, by the bytes they are packed in: equal bytes answer the same frozen value while it is kept, so that
 * what is computed of it can be kept beside it. Bytes are kept from the second time on: what comes once is not frozen for it. Exact bytes
 * are compared. A cache: dropping it changes nothing. No value that went through it may be changed.
 */
export class Interned<V extends object> {
  readonly #unpack: (bytes: Uint8Array) => V
  readonly #pack: (value: V) => Uint8Array
  readonly #byHash = new Map<number, { bytes: Uint8Array; value: V }[]>()
  readonly #packed = new WeakMap<V, Uint8Array>()
  /** of frozen values that came from elsewhere: the one value that is equal */
  readonly #same = new WeakMap<V, V>()
  /** hashes of what came once */
  readonly #once = new Set<number>()
  #values = 0
  #bytes = 0

  constructor(pack: (value: V) => Uint8Array, unpack: (bytes: Uint8Array) => V) {
    this.#pack = pack
    this.#unpack = unpack
  }

  /** The one value of these bytes. */
  at(bytes: Uint8Array): V {
    const hash = hashOf(bytes)
    const found = this.#find(hash, bytes)
    if (found !== undefined) return found
    const own = bytes.slice()
    const value = this.#unpack(own)
    if (this.#isFirst(hash)) return this.#packedIn(own, value)
    return this.#keep(hash, own, deepFreeze(value))
  }

  /** The one value that is equal to this one, which is frozen by it. */
  of(value: V): V {
    if (this.#packed.has(value)) return value
    const known = this.#same.get(value)
    if (known !== undefined) return known
    const bytes = this.#pack(value)
    const hash = hashOf(bytes)
    const one = this.#find(hash, bytes) ?? this.#keep(hash, bytes.slice(), deepFreeze(value))
    if (one !== value && Object.isFrozen(value)) this.#same.set(value, one)
    return one
  }

  /** What the value is packed in. */
  bytesOf(value: V): Uint8Array {
    return this.#packed.get(value) ?? this.#pack(value)
  }

  #isFirst(hash: number): boolean {
    if (this.#once.delete(hash)) return false
    if (this.#once.size >= maxOnce) this.#once.clear()
    this.#once.add(hash)
    return true
  }

  #packedIn(bytes: Uint8Array, value: V): V {
    this.#packed.set(value, bytes)
    return value
  }

  #find(hash: number, bytes: Uint8Array): V | undefined {
    return this.#byHash.get(hash)?.find((known) => isEqual(known.bytes, bytes))?.value
  }

  #keep(hash: number, bytes: Uint8Array, value: V): V {
    if (this.#values >= maxValues || this.#bytes + bytes.length > maxBytes) {
      this.#byHash.clear()
      this.#values = 0
      this.#bytes = 0
    }
    this.#values++
    this.#bytes += bytes.length
    this.#packedIn(bytes, value)
    const known = { bytes, value }
    const alike = this.#byHash.get(hash)
    if (alike === undefined) this.#byHash.set(hash, [known])
    else if (alike.length < maxAlike) alike.push(known)
    else alike[this.#values % maxAlike] = known
    return value
  }
}

/** Of every byte: lists often differ in one digit only. */
function hashOf(bytes: Uint8Array): number {
  let hash = bytes.length
  for (let i = 0; i < bytes.length; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
  return hash
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
