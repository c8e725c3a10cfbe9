import { Account } from '../../schemas/wire/raw.ts'
import { asciiAt } from '../../src/core/ascii.ts'
import { digest } from '../../src/core/canonical.ts'
import { readLong } from '../../src/core/zig-zag.ts'
import { accountKey } from '../../src/core/keys.ts'
import type { Encoded, State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import { NumberedKeys } from '../shared/numbered-keys.ts'
import type { AccountClass } from './account.ts'
import { accountClasses } from './account.ts'
import { isRow, matches, read, withRow, write, type Piece } from './shown-page.ts'

/**
 * What the last run's observation showed of each account, byte by byte but without its run and times, while nothing else has
 * changed its facets since. A run that shows the same again changes nothing, so neither the record need be decoded nor the
 * account's row be read: most of an unchanged snapshot. Pages of consecutive ordinals, under `<app>/<page>`.
 *
 * A row begins with a number of 4 bytes: the bits of its classes, and above these the length of the account's names, which follow; then all but
 * run and times. The table is one of today's schema of an account: bytes of another vouch for nothing.
 */
export const table = `shown-${digest(JSON.stringify(Account.toJSONSchema())).slice(0, 8)}`
export const pageRows = 32
export const headBytes = 4
/** Of the field `type`, an enum of one name, before the app's. */
export const typeBytes = 1

const names = Object.keys(Account.shape)
const field = (name: keyof typeof Account.shape): number => names.indexOf(name)
const [app, id, native, run, observed, valid, gone] = (['app', 'id', 'native', 'run', 'observed', 'valid', 'gone'] as const).map(field) as
  [number, number, number, number, number, number, number]
const facets = (['attributes', 'memberships', 'grants', 'credentials'] as const).map(field)

/** Lists of classes by their bits, in the order of `accountClasses`. */
const classLists: readonly (readonly AccountClass[])[] = Array.from({ length: 1 << accountClasses.length }, (_, bits) =>
  accountClasses.filter((_name, i) => (bits & (1 << i)) !== 0))

/** Of an account's record, read off its bytes. `run` null: it is a change event or a single read. */
export interface Sighting {
  readonly app: string
  readonly run: number | null
  readonly observed: number
  readonly gone: boolean
  readonly classes: readonly AccountClass[]
}

const startOf = ({ from, ends }: Encoded, of: number): number => (of === 0 ? from : ends[of - 1]!)

/** Null where its app's name is no short ASCII: nothing is known of it then without decoding it. */
export function sightingOf(encoded: Encoded): Sighting | null {
  const { bytes, ends } = encoded
  const name = shortTextAt(bytes, startOf(encoded, app), ends[app])
  if (name === null) return null
  const runAt = startOf(encoded, run)
  return {
    app: name,
    run: bytes[runAt] === 0 ? null : readLong(bytes, runAt + 1),
    observed: readLong(bytes, startOf(encoded, observed)),
    gone: bytes[ends[gone]! - 1] !== 0,
    classes: classesOf(bitsOf(encoded)),
  }
}

export const classesOf = (bits: number): readonly AccountClass[] => classLists[bits]!

function bitsOf(encoded: Encoded): number {
  let bits = 0
  for (let i = 0; i < facets.length; i++) if (encoded.bytes[startOf(encoded, facets[i]!)] !== 0) bits |= 1 << i
  return bits
}

/** The account's key, or null where it is no short ASCII. */
export function keyAt(encoded: Encoded, { app: name }: Sighting): string | null {
  const text = shortTextAt(encoded.bytes, startOf(encoded, id), encoded.ends[id])
  return text === null ? null : accountKey(name, text)
}

/** Whether that is what was shown last of the account with this ordinal: of that very account, since its names are part of it. */
export function isShown(state: State, of: string, ordinal: number, encoded: Encoded): boolean {
  const page = pageOf(state, of, ordinal)
  return page !== undefined && matches(page, ordinal % pageRows, piecesOf(encoded))
}

/** The page that has the account's row; undefined where none of its accounts has one. */
export const pageOf = (state: State, of: string, ordinal: number): Uint8Array | undefined => getHot<Uint8Array>(state, table, pageKey(of, ordinal))

export function keepShown(state: State, of: string, ordinal: number, encoded: Encoded): void {
  replace(state, of, ordinal, piecesOf(encoded))
}

/** The account's facets are changed by something else than a run's observation, or are gone. */
export function forgetShown(state: State, of: string, ordinal: number): void {
  replace(state, of, ordinal, [])
}

function replace(state: State, of: string, ordinal: number, pieces: readonly Piece[]): void {
  const key = pageKey(of, ordinal)
  const before = getHot<Uint8Array>(state, table, key)
  if (before === undefined ? pieces.length === 0 : isRow(before, ordinal % pageRows, pieces)) return
  const page = withRow(before, pageRows, ordinal % pageRows, pieces)
  if (page === null) state.delete(table, key)
  else putHot(state, table, key, page)
}

const pageKeys = new NumberedKeys()
const pageKey = (of: string, ordinal: number): string => pageKeys.of(of, Math.floor(ordinal / pageRows))

/** Of the row that begins there: how many bytes of names follow its head, and the bits of its classes. */
export const nameBytesAt = (page: Uint8Array, from: number): number => read(page, from) >> accountClasses.length
export const classBitsAt = (page: Uint8Array, from: number): number => read(page, from) & (classLists.length - 1)

const head = { bytes: new Uint8Array(headBytes), from: 0, to: headBytes }

/** The account's row. */
function piecesOf(encoded: Encoded): readonly Piece[] {
  const { bytes, from, ends } = encoded
  write(head.bytes, 0, ((ends[native]! - from) << accountClasses.length) | bitsOf(encoded))
  return [head, { bytes, from, to: ends[native]! }, { bytes, from: ends[valid]!, to: ends[ends.length - 1]! }]
}

/** The text of one byte a character that begins at `at`, behind its length, and ends at `end` where that is known; null where it is another or long. */
export function shortTextAt(bytes: Uint8Array, at: number, end?: number): string | null {
  const doubled = bytes[at] ?? 0xff
  const from = at + 1
  const length = doubled >> 1
  if (doubled > 0x7f || from + length > bytes.length || (end !== undefined && end - from !== length)) return null
  return asciiAt(bytes, from, length) ?? null
}
