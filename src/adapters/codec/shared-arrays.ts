import { hashOf } from '../../core/bytes.ts'
import { deepFreeze } from '../../core/frozen.ts'
import { KeptByBytes } from '../../core/kept-by-bytes.ts'
import { longBytes } from '../../core/zig-zag.ts'

interface Place {
  readonly buf: Buffer
  pos: number
  readLong(): number
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
    const block = blockAt(place)
    if (block === null) return decode()
    const { first, end, size } = block
    const hash = hashOf(place.buf, first, end)
    const known = this.#find(hash, place, block)
    if (known !== undefined) {
      place.pos = end + 1
      return known as unknown[]
    }
    const value = decode()
    if (place.pos !== end + 1) throw wrongSize(place.pos - first - 1, size)
    // what comes once is neither copied nor frozen
    if (this.#kept.isFirst(hash)) return value
    this.#kept.keep(hash, Buffer.from(place.buf.subarray(first, end)), deepFreeze(value))
    return value
  }

  /** As reading would, without making anything: a size that is not that of the items is refused. */
  skip(place: Place, skip: () => void): void {
    const block = blockAt(place)
    if (block === null) {
      skip()
      return
    }
    const { first, end, size } = block
    if (this.#find(hashOf(place.buf, first, end), place, block) !== undefined) {
      place.pos = end + 1
      return
    }
    skip()
    if (place.pos !== end + 1) throw wrongSize(place.pos - first - 1, size)
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

/** All of an array's items in one block that says its size. */
interface Block {
  readonly count: number
  readonly size: number
  /** where its items begin, and where they end */
  readonly first: number
  readonly end: number
}

/** Null where the array at this place is not written so, or not whole. The place stays where it is. */
function blockAt(place: Place): Block | null {
  const from = place.pos
  const count = -place.readLong()
  const size = count > 0 ? place.readLong() : -1
  const first = place.pos
  const end = first + size
  place.pos = from
  return size < 0 || end >= place.buf.length || place.buf[end] !== 0 ? null : { count, size, first, end }
}

const wrongSize = (bytes: number, said: number): Error => new Error(`a block of ${bytes} bytes says that it has ${said}`)

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
