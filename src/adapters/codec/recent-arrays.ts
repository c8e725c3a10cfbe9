import { deepFreeze } from '../../core/frozen.ts'

interface Place {
  readonly buf: Buffer
  pos: number
}

interface Recent {
  value: readonly unknown[] | null
  readonly bytes: Buffer
  length: number
}

/** Of one record: an identity has so many roles and requests that give it more than one entitlement. */
const maxRecent = 4
/** Longer ones are read and written as any other. */
const maxBytes = 192

/**
 * Arrays of one type of which each comes several times within one record, and then no more: the last few that were read, by their bytes,
 * and the last few that were written, by themselves. What is kept is frozen in depth, and exact bytes are compared, so nothing that comes
 * out depends on what is kept.
 */
export class RecentArrays {
  readonly #read = slots()
  readonly #written = slots()

  /** `decode` reads the array at the place it is called at. What an array's bytes say ends with them, whatever follows. */
  read(place: Place, decode: () => unknown[]): unknown[] {
    const { buf, pos } = place
    for (const { value, bytes, length } of this.#read) {
      if (value === null || !isAt(bytes, length, buf, pos)) continue
      place.pos = pos + length
      return value as unknown[]
    }
    const value = decode()
    if (place.pos <= buf.length) keep(this.#read, value, buf, pos, place.pos)
    return value
  }

  write(place: Place, value: readonly unknown[], encode: () => void): void {
    const from = place.pos
    for (const recent of this.#written) {
      if (recent.value !== value) continue
      const { bytes, length } = recent
      place.pos = from + length
      if (place.pos <= place.buf.length) bytes.copy(place.buf, from, 0, length)
      return
    }
    encode()
    if (Object.isFrozen(value) && place.pos <= place.buf.length) keep(this.#written, value, place.buf, from, place.pos)
  }
}

const slots = (): Recent[] => Array.from({ length: maxRecent }, () => ({ value: null, bytes: Buffer.alloc(maxBytes), length: 0 }))

function isAt(bytes: Buffer, length: number, buf: Buffer, pos: number): boolean {
  if (pos + length > buf.length) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== buf[pos + i]) return false
  return true
}

/** In place of the one that was kept first. */
function keep(recents: Recent[], value: readonly unknown[], buf: Buffer, from: number, end: number): void {
  if (end - from > maxBytes) return
  const recent = recents.shift()!
  buf.copy(recent.bytes, 0, from, end)
  recent.value = deepFreeze(value)
  recent.length = end - from
  recents.push(recent)
}
