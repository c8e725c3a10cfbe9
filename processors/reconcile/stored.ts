import type { AccountKind, AccountStatus, IdentityStatus, Reason } from '../../schemas/wire/common.ts'
import type { FactGrant } from '../../schemas/wire/facts.ts'
import type { GrantVerdict } from '../../schemas/wire/results.ts'
import { readEntries, readLapses, readPosition, writeEntries, writeLapses, writePosition } from '../shared/packed-access.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import type { AccountRow, AccountState, DesiredRow } from './model.ts'

/** How the long rows lie in the state. */

export function packDesired({ identity, status, endedAt, display, keys, entries, lapsed, position }: DesiredRow): Packed {
  const to = new PackWriter()
  to.text(identity)
  to.text(status)
  to.time(endedAt)
  to.text(display)
  writeList(to, Object.entries(keys).flat())
  writePosition(to, position)
  writeEntries(to, entries)
  writeLapses(to, lapsed)
  return to.end()
}

export function unpackDesired(packed: Packed): DesiredRow {
  const from = new PackReader(packed)
  const head = { identity: from.word(), status: from.word() as IdentityStatus, endedAt: from.time(), display: from.text() }
  const keys = pairsOf(readList(from))
  const position = readPosition(from)
  return { ...head, keys, entries: readEntries<Reason>(from), lapsed: readLapses<Reason>(from), position }
}

export function packAccount({ fact, position, moved, verdicts }: AccountRow): Packed {
  const to = new PackWriter()
  writePosition(to, position)
  to.flag(moved)
  writeHead(to, fact)
  writeList(to, fact.candidates)
  writeList(to, fact.unknown)
  to.count(fact.grants.length)
  for (const grant of fact.grants) writeGrant(to, grant)
  writeList(to, verdicts)
  to.count(fact.credentials.length)
  for (const { id, kind, created, lastUsed, expires } of fact.credentials) {
    to.text(id)
    to.text(kind)
    for (const at of [created, lastUsed, expires]) to.time(at)
  }
  writeEntries(to, fact.entries)
  writeLapses(to, fact.lapsed)
  return to.end()
}

export function unpackAccount(packed: Packed): AccountRow {
  const from = new PackReader(packed)
  const position = readPosition(from)
  const moved = from.flag()
  const head = readHead(from)
  const candidates = readList(from)
  const unknown = readList(from)
  const grants = from.list(() => readGrant(from))
  const verdicts = readList(from) as GrantVerdict[]
  const credentials = from.list(() => (
    { id: from.word(), kind: from.word(), created: from.time(), lastUsed: from.time(), expires: from.time() }
  ))
  const entries = readEntries<Reason>(from)
  const lapsed = readLapses<Reason>(from)
  return { fact: { ...head, candidates, unknown, grants, credentials, entries, lapsed }, position, moved, verdicts }
}

type Head = Omit<AccountState, 'candidates' | 'unknown' | 'grants' | 'credentials' | 'entries' | 'lapsed'>

function writeHead(to: PackWriter, head: Head): void {
  for (const text of [head.app, head.account, head.native, head.kind, head.status, head.display, head.match, head.identity, head.owner, head.ownerState]) {
    to.text(text)
  }
  for (const at of [head.created, head.lastUsed, head.since, head.observed, head.valid]) to.time(at)
  to.flag(head.whole)
}

function readHead(from: PackReader): Head {
  return {
    app: from.word(),
    account: from.word(),
    native: from.word(),
    kind: from.word() as AccountKind,
    status: from.word() as AccountStatus,
    display: from.text(),
    match: from.word() as AccountState['match'],
    identity: from.text(),
    owner: from.text(),
    ownerState: from.word() as AccountState['ownerState'],
    created: from.time(),
    lastUsed: from.time(),
    since: from.moment(),
    observed: from.moment(),
    valid: from.time(),
    whole: from.flag(),
  }
}

function writeGrant(to: PackWriter, { entitlement, native, mapped, direct, since, valid, paths }: FactGrant): void {
  to.text(entitlement)
  to.text(native)
  to.count((mapped ? 2 : 0) + (direct ? 1 : 0))
  to.time(since)
  to.time(valid)
  to.count(paths.length)
  for (const path of paths) writeList(to, path)
}

function readGrant(from: PackReader): FactGrant {
  const entitlement = from.word()
  const native = from.word()
  const flags = from.count()
  const since = from.moment()
  const valid = from.time()
  return { entitlement, native, mapped: flags >= 2, direct: flags % 2 === 1, since, valid, paths: from.list(() => readList(from)) }
}

function writeList(to: PackWriter, texts: readonly string[]): void {
  to.count(texts.length)
  for (const text of texts) to.text(text)
}

const pairsOf = (flat: readonly string[]): Record<string, string> =>
  Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])))

const readList = (from: PackReader): string[] => from.list(() => from.word())
