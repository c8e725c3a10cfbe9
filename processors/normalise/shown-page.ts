import { isAt } from '../../src/core/bytes.ts'

/** Rows of bytes by a small number in one piece of memory: where each ends (4 bytes each, from the rows' begin), then the rows. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

const endBytes = 4

/** Whether the row is these pieces, one after the other; an empty row is none. */
export function matches(page: Uint8Array, row: number, pieces: readonly Piece[]): boolean {
  return pieces.length > 0 && isRow(page, row, pieces)
}

export function isRow(page: Uint8Array, row: number, pieces: readonly Piece[]): boolean {
  let at = rowFrom(page, row)
  let length = 0
  for (const { from, to } of pieces) length += to - from
  if (at + length !== rowTo(page, row)) return false
  for (const { bytes, from, to } of pieces) {
    if (!isAt(page, at, bytes, from, to)) return false
    at += to - from
  }
  return true
}

/** The page with another row (`pieces` empty: without it); null where no row is left. `rows`: how many a new page has. */
export function withRow(page: Uint8Array | undefined, rows: number, row: number, pieces: readonly Piece[]): Uint8Array | null {
  const before = page ?? empty(rows)
  const head = headOf(before)
  const first = head + (row === 0 ? 0 : endOf(before, row - 1))
  const last = head + endOf(before, row)
  let length = 0
  for (const { from, to } of pieces) length += to - from
  const grown = length - (last - first)
  if (before.length + grown === head) return null
  const after = new Uint8Array(before.length + grown)
  after.set(before.subarray(0, first))
  let at = first
  for (const { bytes, from, to } of pieces) {
    after.set(bytes.subarray(from, to), at)
    at += to - from
  }
  after.set(before.subarray(last), at)
  for (let i = row; i < head / endBytes - 1; i++) setEnd(after, i, endOf(before, i) + grown)
  return after
}

/** Where the row begins and ends in the page: at the same byte where it is empty. */
export const rowFrom = (page: Uint8Array, row: number): number => headOf(page) + (row === 0 ? 0 : endOf(page, row - 1))
export const rowTo = (page: Uint8Array, row: number): number => headOf(page) + endOf(page, row)

/** Of the rows from `first` on and before `end`. */
export function haveSameRows(a: Uint8Array, b: Uint8Array, first: number, end: number): boolean {
  const fromA = rowFrom(a, first)
  const fromB = rowFrom(b, first)
  for (let row = first; row < end; row++) if (rowTo(a, row) - fromA !== rowTo(b, row) - fromB) return false
  return isAt(a, fromA, b, fromB, rowTo(b, end - 1))
}

/** The first number is how long the head is. */
function empty(rows: number): Uint8Array {
  const page = new Uint8Array((rows + 1) * endBytes)
  write(page, 0, page.length)
  return page
}

const headOf = (page: Uint8Array): number => read(page, 0)
const endOf = (page: Uint8Array, row: number): number => read(page, (row + 1) * endBytes)
const setEnd = (page: Uint8Array, row: number, end: number): void => write(page, (row + 1) * endBytes, end)

export function read(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

export function write(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff
  bytes[at + 1] = (value >> 8) & 0xff
  bytes[at + 2] = (value >> 16) & 0xff
  bytes[at + 3] = value >> 24
}
