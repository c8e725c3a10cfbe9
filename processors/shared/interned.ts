import { hashOf, sameBytes } from '../../src/core/bytes.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import { KeptByBytes } from '../../src/core/kept-by-bytes.ts'

const maxValues = 1_024
const unpacked = new Uint8Array(0)

/** How values, and what else says the same, are told apart without packing them. `hash` is of all that `same` compares. */
export interface Likeness<L> {
  hash(like: L): number
  same(a: L, b: L): boolean
}

/**
 * Values that come again and again, by the bytes they are packed in: equal bytes answer the same frozen value while it is kept, so that
 * what is computed of it can be kept beside it. Bytes are kept from the second time on: what comes once is not frozen for it. Exact bytes
 * are compared. A cache: dropping it changes nothing. No value that went through it may be changed.
 */
export class Interned<V extends object, L = V> {
  readonly #unpack: (bytes: Uint8Array) => V
  readonly #pack: (value: V) => Uint8Array
  readonly #kept = new KeptByBytes<V>(maxValues)
  readonly #packed = new WeakMap<V, Uint8Array>()
  /** of frozen values that came from elsewhere: the one value that is equal */
  readonly #same = new WeakMap<V, V>()
  readonly #likeness: Likeness<V | L> | null
  readonly #alike = new KeptByBytes<V>(maxValues)

  constructor(pack: (value: V) => Uint8Array, unpack: (bytes: Uint8Array) => V, likeness: Likeness<V | L> | null = null) {
    this.#pack = pack
    this.#unpack = unpack
    this.#likeness = likeness
  }

  /** The one value that says what `like` says; `make` makes it where it is not kept. For what mostly comes anew and is known. */
  like(like: L, make: () => V): V {
    const likeness = this.#likeness
    if (likeness === null) return this.of(make())
    const hash = likeness.hash(like)
    const known = this.#alike.find(hash, (_bytes, value) => likeness.same(value, like))
    if (known !== undefined) return known
    const one = this.of(make())
    // one that came once would stand for all that come after it, and is not frozen
    if (Object.isFrozen(one)) this.#alike.keep(hash, unpacked, one)
    return one
  }

  /** The one value of these bytes. */
  at(bytes: Uint8Array): V {
    const hash = hashOf(bytes, 0, bytes.length)
    const found = this.#find(hash, bytes)
    if (found !== undefined) return found
    const own = bytes.slice()
    const value = this.#unpack(own)
    if (this.#kept.isFirst(hash)) {
      this.#packed.set(value, own)
      return value
    }
    return this.#keep(hash, own, deepFreeze(value))
  }

  /** The one value that is equal to this one; one that comes for the first time is left as it is, and frozen if it comes again. */
  of(value: V): V {
    if (this.#packed.has(value)) return value
    const known = this.#same.get(value)
    if (known !== undefined) return known
    const bytes = this.#pack(value)
    const hash = hashOf(bytes, 0, bytes.length)
    const found = this.#find(hash, bytes)
    if (found === undefined && this.#kept.isFirst(hash)) {
      this.#packed.set(value, bytes.slice())
      return value
    }
    const one = found ?? this.#keep(hash, bytes.slice(), deepFreeze(value))
    if (one !== value && Object.isFrozen(value)) this.#same.set(value, one)
    return one
  }

  /** What the value is packed in. */
  bytesOf(value: V): Uint8Array {
    return this.#packed.get(value) ?? this.#pack(value)
  }

  #find(hash: number, bytes: Uint8Array): V | undefined {
    return this.#kept.find(hash, (known) => sameBytes(known, bytes))
  }

  #keep(hash: number, bytes: Uint8Array, value: V): V {
    this.#packed.set(value, bytes)
    this.#kept.keep(hash, bytes, value)
    return value
  }
}
