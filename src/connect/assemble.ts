import type { Credential } from '../../schemas/wire/common.ts'
import type { Account, Assignment, Definition, Ref } from '../../schemas/wire/raw.ts'
import { compareKeys } from '../core/order.ts'
import type { Mapped, ObservedClass } from '../ports/connector.ts'
import { fingerprint } from './fingerprint.ts'
import type { LetterContent } from './letters.ts'

/** One piece of an object with where and when it was read. */
export interface PlacedPiece {
  native: string
  stamp: number
  place: string
  piece: Mapped | { piece: 'rejected' }
}

export interface Frame {
  app: string
  run: number | null
  /** classes that some stream contributes to; the facets of others say nothing */
  has: ReadonlySet<ObservedClass>
  /** classes of which everything was read */
  whole: ReadonlySet<ObservedClass>
  /** stamp of the oldest read that says something about every account (a stream of group members), µs */
  asOf: number
}

interface Assembled<R> {
  record: R | null
  letters: LetterContent[]
  /** why the object's class can't be complete any more */
  loss: { reason: string; place: string } | null
}

type AccountPiece = PlacedPiece & { piece: Extract<Mapped, { piece: 'account' }> }
type DefinitionPiece = PlacedPiece & { piece: Extract<Mapped, { piece: 'definition' }> }

/**
 * All pieces of one account, in the order they were read, as one record. Pure. Its `record` is null where every row that listed
 * the account was rejected, or where none listed it.
 */
export function assembleAccount(id: string, pieces: readonly PlacedPiece[], frame: Frame): Assembled<Account> {
  const listed = pieces.filter((piece): piece is AccountPiece => piece.piece.piece === 'account')
  const first = listed[0]
  const result: Assembled<Account> = { record: null, letters: [], loss: null }
  const foreign = new Set<string>()
  let contradicted = false
  for (const other of listed.slice(1)) {
    if (other.native !== first!.native) {
      if (!foreign.has(other.native)) result.letters.push(collision(id, first!, other))
      foreign.add(other.native)
      result.loss ??= { reason: 'two native ids have the same canonical id', place: other.place }
    } else if (JSON.stringify(other.piece) !== JSON.stringify(first!.piece)) {
      contradicted = true
      result.loss ??= { reason: 'the same account was told in two ways', place: other.place }
    }
  }
  const own = pieces.filter((piece) => !foreign.has(piece.native))
  const damaged = own.some((piece) => piece.piece.piece === 'rejected')
  if ((first === undefined && damaged) || own.length === 0) return result

  const whole = (name: ObservedClass): boolean => frame.whole.has(name) && !damaged && foreign.size === 0
  const assignments = (name: 'memberships' | 'grants'): Account['memberships'] =>
    frame.has.has(name) ? { whole: whole(name), added: assignmentsOf(own, name), removed: [] } : null
  result.record = {
    type: 'Account',
    app: frame.app,
    id,
    native: first?.native ?? own[0]!.native,
    run: frame.run,
    observed: Math.min(frame.asOf, earliest(own)),
    valid: first?.piece.valid ?? null,
    gone: false,
    attributes: first === undefined ? null : { whole: !contradicted, ...first.piece.attributes },
    memberships: assignments('memberships'),
    grants: assignments('grants'),
    credentials: frame.has.has('credentials') ? { whole: whole('credentials'), added: credentialsOf(own), removed: [] } : null,
  }
  return result
}

/** All pieces of one role, group or entitlement as one record. Pure. */
export function assembleDefinition(pieces: readonly PlacedPiece[], frame: Frame): Assembled<Definition> {
  const listed = pieces.filter((piece): piece is DefinitionPiece => piece.piece.piece === 'definition')
  const first = listed[0]
  const children = new Map<string, Ref>()
  let ref: Ref | undefined = first?.piece.ref
  for (const { piece } of pieces) {
    if (piece.piece !== 'child') continue
    ref ??= piece.parent
    children.set(`${piece.child.kind}:${piece.child.id}`, piece.child)
  }
  const contradiction = listed.find((other) => JSON.stringify(other.piece) !== JSON.stringify(first!.piece))
  const loss = contradiction === undefined ? null : { reason: 'the same definition was told in two ways', place: contradiction.place }
  if (ref === undefined) return { record: null, letters: [], loss }
  const record: Definition = {
    type: 'Definition',
    app: frame.app,
    run: frame.run,
    observed: earliest(pieces),
    valid: first?.piece.valid ?? null,
    ref,
    name: first?.piece.name ?? null,
    whole: frame.whole.has('definitions') && loss === null,
    removed: false,
    children: sorted(children),
  }
  return { record, letters: [], loss }
}

function collision(id: string, first: PlacedPiece, other: PlacedPiece): LetterContent {
  return {
    stage: 'assemble',
    code: 'id-collision',
    reason: 'its canonical id is that of another account of this run: check the id rule of the application',
    aside: `the other: ${first.place}`,
    place: other.place,
    record: other.native,
    payload: id,
    print: fingerprint([first.native, other.native]),
  }
}

function assignmentsOf(pieces: readonly PlacedPiece[], name: 'memberships' | 'grants'): Assignment[] {
  const found = new Map<string, Assignment>()
  for (const { piece } of pieces) {
    let assignment: Assignment
    if (name === 'memberships' && piece.piece === 'membership') assignment = { ref: piece.ref, valid: piece.valid }
    else if (name === 'grants' && piece.piece === 'grant') {
      assignment = { ref: { kind: 'entitlement', id: piece.entitlement }, valid: piece.valid }
    } else continue
    const key = `${assignment.ref.kind}:${assignment.ref.id}`
    const known = found.get(key)
    // Both sides may list it, and only one may know since when.
    found.set(key, known === undefined ? assignment : { ref: known.ref, valid: known.valid ?? assignment.valid })
  }
  return sorted(found)
}

function credentialsOf(pieces: readonly PlacedPiece[]): Credential[] {
  const found = new Map<string, Credential>()
  for (const { piece } of pieces) {
    if (piece.piece === 'credential' && !found.has(piece.credential.id)) found.set(piece.credential.id, piece.credential)
  }
  return sorted(found)
}

const sorted = <V>(entries: ReadonlyMap<string, V>): V[] =>
  [...entries].sort(([a], [b]) => compareKeys(a, b)).map(([, value]) => value)

/** Not Math.min over a spread: one account may have more pieces than a call takes arguments. */
const earliest = (pieces: readonly PlacedPiece[]): number => pieces.reduce((least, { stamp }) => Math.min(least, stamp), Infinity)
