import { hashOf } from '../../core/bytes.ts'
import { deepFreeze } from '../../core/frozen.ts'
import { KeptByBytes } from '../../core/kept-by-bytes.ts'
import { afterLong, longBytes, readLong } from '../../core/zig-zag.ts'

interface Place {
  readonly buf: Buffer
  pos: number
  writeLong(value: number): void
}

const maxArrays = 2_048
/** Of a block's size, as most of them have it. */
const usualSizeBytes = 2

/**
 * Arrays of one type that come again and again: by their bytes when they are read (from the second time on), by themselves when they are
 * written. What is kept is frozen in depth, and exact bytes are compared, so nothing that comes out depends on what is kept.
 */
export class SharedArrays {
  /** by a block's items, without its count, size and end */
  readonly #kept = new KeptByBytes<readonly unknown[]>(maxArrays)
  /** of frozen arrays: their whole encoding */
  readonly #encoded = new WeakMap<readonly unknown[], Buffer>()

  /** `decode` reads the array at the place it is called at. */
  read(place: Place, decode: () => unknown[]): readonly unknown[] & unknown[] {
    const block = sizedBlockAt(place.buf, place.pos)
    if (block === null) return decode()
    const { first, end } = block
    const hash = hashOf(place.buf, first, end)
    const known = this.#find(hash, place, block)
    if (known !== undefined) {
      place.pos = end + 1
      return known as unknown[]
    }
    const value = decode()
    if (place.pos !== end + 1) throw wrongSize(place.pos, end + 1)
    // what comes once is neither copied nor frozen
    if (this.#kept.isFirst(hash)) return value
    this.#kept.keep(hash, Buffer.from(place.buf.subarray(first, end)), deepFreeze(value))
    return value
  }

  #find(hash: number, { buf }: Place, { count, first, end, size }: Block): readonly unknown[] | undefined {
    return this.#kept.find(hash, (bytes, { length }) => length === count && bytes.length === size && buf.compare(bytes, 0, size, first, end) === 0)
  }

  write(place: Place, value: readonly unknown[], writeItem: (item: unknown) => void): void {
    const known = this.#encoded.get(value)
    const from = place.pos
    if (known !== undefined) {
      place.pos += known.length
      if (place.pos <= place.buf.length) place.buf.set(known, from)
      return
    }
    if (value.length > 0) writeBlock(place, value, writeItem)
    place.writeLong(0)
    if (Object.isFrozen(value) && place.pos <= place.buf.length) this.#encoded.set(value, Buffer.from(place.buf.subarray(from, place.pos)))
  }
}

/** Of the types of such arrays, beside them: avsc freezes its types. */
export const sharedOf = new WeakMap<object, SharedArrays>()

/** All of an array's items in one block that says its size. */
interface Block {
  readonly count: number
  readonly size: number
  /** where its items begin, and where they end */
  readonly first: number
  readonly end: number
}

/** Null where the array at this place is not written so, or not whole. */
function sizedBlockAt(bytes: Uint8Array, at: number): Block | null {
  const count = -readLong(bytes, at)
  const size = count > 0 ? readLong(bytes, afterLong()) : -1
  const first = afterLong()
  const end = first + size
  return size < 0 || end >= bytes.length || bytes[end] !== 0 ? null : { count, size, first, end }
}

/** Where the array at this place says that it ends, its own end included; null where it does not say so. */
export function saidEnd(bytes: Uint8Array, at: number): number | null {
  const block = sizedBlockAt(bytes, at)
  return block === null ? null : block.end + 1
}

export const wrongSize = (end: number, said: number): Error => new Error(`a block that ends at byte ${end} says that it ends at ${said}`)

/** Count (negative: a size follows), size, items. The size is known last; room is left for it. */
function writeBlock(place: Place, value: readonly unknown[], writeItem: (item: unknown) => void): void {
  place.writeLong(-value.length)
  const sizeAt = place.pos
  place.pos += usualSizeBytes
  for (const item of value) writeItem(item)
  const size = place.pos - sizeAt - usualSizeBytes
  const sizeBytes = longBytes(size)
  const end = sizeAt + sizeBytes + size
  // beyond the end nothing was written, and the caller comes again with more room
  if (end <= place.buf.length && place.pos <= place.buf.length) {
    if (sizeBytes !== usualSizeBytes) place.buf.copyWithin(sizeAt + sizeBytes, sizeAt + usualSizeBytes, place.pos)
    place.pos = sizeAt
    place.writeLong(size)
  }
  place.pos = end
}
