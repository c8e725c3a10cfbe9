import { deepFreeze } from '../../core/frozen.ts'

interface Place {
  readonly buf: Buffer
  pos: number
  readLong(): number
  writeLong(value: number): void
}

interface Known {
  /** the block's items, without its count, size and end */
  bytes: Buffer
  value: readonly unknown[]
}

/** What is kept at most; beyond that all of it is let go. */
const maxBytes = 4 * 1024 * 1024
const maxArrays = 2_048
/** Hashes of what came once. */
const maxOnce = 4 * maxArrays
/** Of one hash: whoever makes up blocks of equal hashes finds fewer of them kept. */
const maxAlike = 8
/** Of a block's size, as most of them have it. */
const usualSizeBytes = 2

/**
 * Arrays of one type that come again and again: by their bytes when they are read (from the second time on), by themselves when they are
 * written. What is kept is frozen in depth, and exact bytes are compared, so nothing that comes out depends on what is kept.
 */
export class SharedArrays {
  readonly #byHash = new Map<number, Known[]>()
  /** hashes of what came once */
  readonly #once = new Set<number>()
  #arrays = 0
  #bytes = 0
  /** of frozen arrays: their whole encoding */
  readonly #encoded = new WeakMap<readonly unknown[], Buffer>()

  /** `decode` reads the array at the place it is called at. */
  read(place: Place, decode: () => unknown[]): readonly unknown[] & unknown[] {
    const from = place.pos
    const count = place.readLong()
    if (count >= 0) {
      place.pos = from
      return decode()
    }
    const size = place.readLong()
    const first = place.pos
    const end = first + size
    if (size < 0 || end >= place.buf.length || place.buf[end] !== 0) {
      place.pos = from
      return decode()
    }
    const hash = hashOf(place.buf, first, end)
    const alike = this.#byHash.get(hash)
    if (alike !== undefined) {
      for (const { bytes, value } of alike) {
        if (value.length !== -count || bytes.length !== size || place.buf.compare(bytes, 0, size, first, end) !== 0) continue
        place.pos = end + 1
        return value as unknown[]
      }
    }
    place.pos = from
    const value = decode()
    if (place.pos !== end + 1) throw wrongSize(place.pos - first - 1, size)
    if (this.#isFirst(hash)) return value
    this.#keep(hash, { bytes: Buffer.from(place.buf.subarray(first, end)), value: deepFreeze(value) })
    return value
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

  /** What comes once is neither copied nor frozen. */
  #isFirst(hash: number): boolean {
    if (this.#once.delete(hash)) return false
    if (this.#once.size >= maxOnce) this.#once.clear()
    this.#once.add(hash)
    return true
  }

  #keep(hash: number, known: Known): void {
    if (this.#arrays >= maxArrays || this.#bytes + known.bytes.length > maxBytes) {
      this.#byHash.clear()
      this.#arrays = 0
      this.#bytes = 0
    }
    this.#arrays++
    this.#bytes += known.bytes.length
    const alike = this.#byHash.get(hash)
    if (alike === undefined) this.#byHash.set(hash, [known])
    else if (alike.length < maxAlike) alike.push(known)
    else alike[this.#arrays % maxAlike] = known
  }
}

/** As reading would, without making anything: a size that is not that of the items is refused. */
export function skipBlock(place: Place, skip: () => void): void {
  const from = place.pos
  const size = place.readLong() < 0 ? place.readLong() : -1
  const first = place.pos
  place.pos = from
  skip()
  const end = first + size
  if (size >= 0 && end < place.buf.length && place.buf[end] === 0 && place.pos !== end + 1) throw wrongSize(place.pos - first - 1, size)
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

/** Bytes of a zig-zag varint that is not negative. */
function longBytes(value: number): number {
  let bytes = 1
  for (let rest = value * 2; rest > 0x7f; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Of every byte: lists often differ in one digit only, and what a hash can't tell apart pushes each other out. */
function hashOf(buf: Uint8Array, from: number, end: number): number {
  let hash = end - from
  for (let i = from; i < end; i++) hash = (Math.imul(hash, 31) + buf[i]!) | 0
  return hash
}
