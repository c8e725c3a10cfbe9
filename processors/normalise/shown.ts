import { Account } from '../../schemas/wire/raw.ts'
import { asciiAt } from '../../src/core/ascii.ts'
import { readLong } from '../../src/core/zig-zag.ts'
import { accountKey } from '../../src/core/keys.ts'
import type { Encoded, State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import { NumberedKeys } from '../shared/numbered-keys.ts'
import type { AccountClass } from './account.ts'
import { accountClasses } from './account.ts'
import { isAt, matches, withRow, type Piece } from './shown-page.ts'

/**
 * What the last run's observation showed of each account, byte by byte but without its run and times, while nothing else has
 * changed its facets since. A run that shows the same again changes nothing, so neither the record need be decoded nor the
 * account's row be read: most of an unchanged snapshot. Pages of consecutive ordinals, under `<app>/<page>`.
 */
const table = 'shown'
const pageRows = 32

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
  const name = textAt(encoded, app)
  if (name === null) return null
  const runAt = startOf(encoded, run)
  let bits = 0
  for (let i = 0; i < facets.length; i++) if (bytes[startOf(encoded, facets[i]!)] !== 0) bits |= 1 << i
  return {
    app: name,
    run: bytes[runAt] === 0 ? null : readLong(bytes, runAt + 1),
    observed: readLong(bytes, startOf(encoded, observed)),
    gone: bytes[ends[gone]! - 1] !== 0,
    classes: classLists[bits]!,
  }
}

/** The account's key, or null where it is no short ASCII. */
export function keyAt(encoded: Encoded, { app: name }: Sighting): string | null {
  const text = textAt(encoded, id)
  return text === null ? null : accountKey(name, text)
}

/** Whether that is what was shown last of the account with this ordinal: of that very account, since its names are part of it. */
export function isShown(state: State, of: string, ordinal: number, encoded: Encoded): boolean {
  const page = getHot<Uint8Array>(state, table, pageKey(of, ordinal))
  return page !== undefined && matches(page, ordinal % pageRows, piecesOf(encoded))
}

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
  if (before === undefined ? pieces.length === 0 : isAt(before, ordinal % pageRows, pieces)) return
  const page = withRow(before, pageRows, ordinal % pageRows, pieces)
  if (page === null) state.delete(table, key)
  else putHot(state, table, key, page)
}

const pageKeys = new NumberedKeys()
const pageKey = (of: string, ordinal: number): string => pageKeys.of(of, Math.floor(ordinal / pageRows))

/** All that the record says of the account, without when. */
function piecesOf(encoded: Encoded): readonly Piece[] {
  const { bytes, from, ends } = encoded
  return [{ bytes, from, to: ends[native]! }, { bytes, from: ends[valid]!, to: ends[ends.length - 1]! }]
}

function textAt(encoded: Encoded, of: number): string | null {
  const { bytes, ends } = encoded
  const doubled = bytes[startOf(encoded, of)]!
  const from = startOf(encoded, of) + 1
  // a length of one byte
  if (doubled > 0x7f || ends[of]! - from !== doubled >> 1) return null
  return asciiAt(bytes, from, doubled >> 1) ?? null
}
