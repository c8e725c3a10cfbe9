import type { State } from '../../src/ports/processor.ts'
import { editHot, getHot } from './hot-rows.ts'
import { NumberedKeys } from './numbered-keys.ts'

/**
 * Which objects a run has shown: `width` bits for each dense ordinal (one bit for each class of the object's space), in rows of
 * at most 520 bytes. A row begins with the run that it belongs to, so that the rows of an older run count as empty and nothing
 * has to be wiped. Only the row that a new bit falls into is written.
 */
const table = 'seen'
const headerBytes = 8
const segmentBytes = 512

export interface Bitmap {
  /** rows of this bitmap are `<name>/<segment>` */
  readonly name: string
  readonly run: number
  /** bits of one object: 1, 2, 4 or 8, so that they lie in one byte */
  readonly width: number
}

export const widthOf = (classes: number): number => (classes <= 1 ? 1 : classes <= 2 ? 2 : classes <= 4 ? 4 : 8)

interface Place {
  key: string
  byte: number
  shift: number
}

function placeOf(map: Bitmap, ordinal: number): Place {
  const bit = ordinal * map.width
  const byte = Math.floor(bit / 8)
  return { key: segmentKeys.of(map.name, Math.floor(byte / segmentBytes)), byte: headerBytes + (byte % segmentBytes), shift: bit % 8 }
}

const segmentKeys = new NumberedKeys()

function segment(state: State, map: Bitmap, key: string): Uint8Array | undefined {
  const bytes = getHot<Uint8Array>(state, table, key)
  return bytes === undefined || !isOf(bytes, map.run) ? undefined : bytes
}

/** How rows of the run that was asked for last begin. */
const header = new DataView(new ArrayBuffer(headerBytes))
let headed = 0

function isOf(row: Uint8Array, run: number): boolean {
  if (headed !== run) header.setFloat64(0, (headed = run))
  for (let i = 0; i < headerBytes; i++) if (row[i] !== header.getUint8(i)) return false
  return true
}

/** The object's bits. */
export const readBits = (state: State, map: Bitmap, ordinal: number): number => bitsAt(state, map, placeOf(map, ordinal))

function bitsAt(state: State, map: Bitmap, { key, byte, shift }: Place): number {
  const bytes = segment(state, map, key)
  return bytes === undefined ? 0 : ((bytes[byte] ?? 0) >> shift) & ((1 << map.width) - 1)
}

/** Adds `bits` to those of `count` objects, from the ordinal `first` on; a row is written only if one of them is new. */
export function addBits(state: State, map: Bitmap, first: number, bits: number, count = 1): void {
  const perSegment = (segmentBytes * 8) / map.width
  const end = first + count
  for (let from = first, to; from < end; from = to) {
    to = Math.min(end, from - (from % perSegment) + perSegment)
    const { key } = placeOf(map, from)
    const begin = (from % perSegment) * map.width
    const last = begin + (to - from) * map.width
    const bytes = segment(state, map, key)
    if (bytes !== undefined && haveBits(bytes, map.width, begin, last, bits)) continue
    editSegment(state, map, key, (row) => {
      for (let bit = begin; bit < last; bit += map.width) row[byteOf(bit)]! |= bits << (bit & 7)
    })
  }
}

function haveBits(row: Uint8Array, width: number, begin: number, end: number, bits: number): boolean {
  for (let bit = begin; bit < end; bit += width) if (((row[byteOf(bit)]! >> (bit & 7)) & bits) !== bits) return false
  return true
}

const byteOf = (bit: number): number => headerBytes + (bit >> 3)

/** How many of the ordinals below `end` have all of `bits`. */
export function countOrdinals(state: State, map: Bitmap, bits: number, end: number): number {
  const each = 8 / map.width
  const perSegment = segmentBytes * each
  let count = 0
  for (let first = 0; first < end; first += perSegment) {
    const bytes = segment(state, map, placeOf(map, first).key)
    if (bytes === undefined) continue
    const ordinals = Math.min(perSegment, end - first)
    for (let i = 0; i < ordinals; i++) {
      const of = bytes[headerBytes + Math.floor(i / each)]! >> ((i % each) * map.width)
      if ((of & bits) === bits) count++
    }
  }
  return count
}

/** For an ordinal that is given back: its next object has not been seen. */
export function clearBits(state: State, map: Bitmap, ordinal: number): void {
  const place = placeOf(map, ordinal)
  if (bitsAt(state, map, place) !== 0) write(state, map, place, 0)
}

function write(state: State, map: Bitmap, { key, byte, shift }: Place, bits: number): void {
  editSegment(state, map, key, (bytes) => {
    bytes[byte] = (bytes[byte]! & ~(((1 << map.width) - 1) << shift)) | (bits << shift)
  })
}

function editSegment(state: State, map: Bitmap, key: string, change: (bytes: Uint8Array) => void): void {
  editHot(state, table, key, () => new Uint8Array(headerBytes + segmentBytes), (bytes) => {
    if (!isOf(bytes, map.run)) {
      bytes.fill(0)
      new DataView(bytes.buffer, bytes.byteOffset).setFloat64(0, map.run)
    }
    change(bytes)
  })
}
