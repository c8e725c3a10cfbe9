import type { AccountKind, AccountStatus, DesiredEntry, IdentityStatus, Reason } from '../../schemas/wire/common.ts'
import type { GrantVerdict } from '../../schemas/wire/results.ts'
import { allGrants } from './grants.ts'
import { Interned } from '../shared/interned.ts'
import {
  readEntries, readLapses, readList, readPosition, readReason, readRevocations, writeEntries, writeLapses, writeList, writePosition, writeReason, writeRevocations,
} from '../shared/packed-access.ts'
import { PackReader, PackWriter, type Packed, type Span } from '../shared/packed.ts'
import type { AccountRow, AccountState, DesiredRow, HomeRow, OpenFinding, Planned, Wait } from './model.ts'

/** How homes, their desired access and their accounts lie in the state. */

export const plans = new Interned<readonly Planned[], readonly DesiredEntry[]>(packPlan, unpackPlan, { hash: hashOfPlan, same: samePlan })
export const allVerdicts = new Interned<readonly GrantVerdict[]>(packVerdicts, (bytes) => readList(new PackReader(bytes)) as GrantVerdict[])

/** A home's own row: its desired access lies apart, since it is long and seldom changes; `accounts` are their names, in order. */
export type StoredHome = Omit<HomeRow, 'desired'> & { accounts: string[] }

export function packHome({ apps, awaits, due, accounts, references, held, open, waits }: StoredHome): Packed {
  const to = new PackWriter()
  writeList(to, apps)
  writeList(to, awaits)
  to.time(due)
  writeList(to, accounts)
  to.count(references.length)
  for (const { app, account, kind, position } of references) {
    for (const text of [app, account, kind]) to.text(text)
    writePosition(to, position)
  }
  to.count(held.length)
  for (const { source, class: of, writer, run, absent, present, position } of held) {
    for (const text of [source, of]) to.text(text)
    for (const number of [writer, run, absent, present]) to.whole(number)
    writePosition(to, position)
  }
  to.count(open.length)
  for (const { kind, app, account, entitlement, object, id, severity, since, opened, detail, plan } of open) {
    for (const text of [kind, app, account, entitlement, object, id, severity, detail, plan]) to.text(text)
    for (const at of [since, opened]) to.time(at)
  }
  to.count(waits.length)
  for (const { app, entitlement, direction, desired } of waits) {
    for (const text of [app, entitlement, direction]) to.text(text)
    to.time(desired)
  }
  // beside them, since of nearly all there is none, and rows of older releases end here
  if (waits.some(({ account }) => account !== null)) for (const { account } of waits) to.text(account)
  return to.end()
}

export function unpackHome(packed: Packed): StoredHome {
  const from = new PackReader(packed)
  const row = {
    apps: readList(from), awaits: readList(from), due: from.time(), accounts: readList(from),
    references: from.list(() => (
      { app: from.word(), account: from.word(), kind: from.word() as AccountKind, position: readPosition(from) }
    )),
    held: from.list(() => ({
      source: from.word(), class: from.word(), writer: from.whole(), run: from.whole(), absent: from.whole(), present: from.whole(),
      position: readPosition(from),
    })),
    open: from.list(() => ({
      kind: from.word() as OpenFinding['kind'], app: from.text(), account: from.text(), entitlement: from.text(), object: from.text(),
      id: from.word(), severity: from.word() as OpenFinding['severity'], detail: from.word(), plan: from.text(), since: from.moment(), opened: from.moment(),
    })),
    waits: from.list(() => (
      { app: from.word(), entitlement: from.word(), direction: from.word() as Wait['direction'], desired: from.moment() }
    )),
  }
  const isOfAny = from.isAtEnd
  return { ...row, waits: row.waits.map((wait): Wait => ({ ...wait, account: isOfAny ? null : from.text() })) }
}

/** What the evaluation of a home depends on; `isHeld`: something lives there or is accounted for there. */
export interface Dependence extends Pick<StoredHome, 'apps' | 'awaits'> {
  readonly isHeld: boolean
}

/** Without the rest of the home's row. */
export function readDependence(packed: Packed): Dependence {
  const from = new PackReader(packed)
  const apps = readList(from)
  const awaits = readList(from)
  from.time()
  const accounts = readList(from)
  return { apps, awaits, isHeld: accounts.length > 0 || from.count() > 0 }
}

export function packDesired({ identity, status, start, endedAt, display, keys, plan, reasons, lapsed, revoked, position }: DesiredRow): Packed {
  const to = new PackWriter()
  to.text(identity)
  to.text(status)
  to.time(endedAt)
  to.text(display)
  writeList(to, Object.entries(keys).flat())
  writePosition(to, position)
  to.blob(plans.bytesOf(plan))
  to.blob(reasons)
  writeLapses(to, lapsed)
  if (start === null && revoked.length === 0) return to.end()
  to.time(start)
  writeRevocations(to, revoked)
  return to.end()
}

export function unpackDesired(packed: Packed): DesiredRow {
  const from = new PackReader(packed)
  const head = { identity: from.word(), status: from.word() as IdentityStatus, endedAt: from.time(), display: from.text() }
  const keys = pairsOf(readList(from))
  const position = readPosition(from)
  const row = { ...head, keys, plan: plans.at(from.blob()), reasons: from.blob(), lapsed: readLapses(from), position }
  return from.isAtEnd ? { ...row, start: null, revoked: [] } : { ...row, start: from.time(), revoked: readRevocations(from) }
}

function packPlan(plan: readonly Planned[]): Packed {
  const to = new PackWriter()
  to.count(plan.length)
  for (const { app, entitlement, from, until } of plan) {
    to.text(app)
    to.text(entitlement)
    to.time(from)
    to.time(until)
  }
  return to.end()
}

function hashOfPlan(plan: readonly Planned[]): number {
  let hash = plan.length
  let last = ''
  for (const { app, entitlement, from, until } of plan) {
    if (app !== last) hash = hashOfText(hash, (last = app))
    hash = hashOfText(hash, entitlement)
    hash = (Math.imul(hash, 31) + (from % 2 ** 31)) | 0
    if (until !== null) hash = (Math.imul(hash, 31) + (until % 2 ** 31)) | 0
  }
  return hash
}

function hashOfText(before: number, text: string): number {
  let hash = before
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

function samePlan(a: readonly Planned[], b: readonly Planned[]): boolean {
  return a.length === b.length && a.every(({ app, entitlement, from, until }, i) => {
    const other = b[i]!
    return entitlement === other.entitlement && app === other.app && from === other.from && until === other.until
  })
}

function unpackPlan(packed: Packed): Planned[] {
  const from = new PackReader(packed)
  return from.list(() => ({ app: from.word(), entitlement: from.word(), from: from.moment(), until: from.time() }))
}

/** The reasons of each entry, in their order. Entries that share theirs are told in the same bytes, from the second of them on. */
export function packReasons(entries: readonly DesiredEntry[]): Packed {
  const to = new PackWriter()
  const written = new Map<readonly Reason[], Span | null>()
  to.count(entries.length)
  for (const { reasons } of entries) {
    const span = written.get(reasons)
    if (span === undefined || span === null) {
      const from = to.length
      to.count(reasons.length)
      for (const reason of reasons) writeReason(to, reason)
      // the first time texts and times get their places
      written.set(reasons, span === undefined ? null : { from, end: to.length })
    } else to.again(span)
  }
  return to.end()
}

export function unpackReasons(packed: Packed): Reason[][] {
  const from = new PackReader(packed)
  return from.list(() => from.list(() => readReason<Reason>(from)))
}

export function packAccount({ fact, position, moved, verdicts }: AccountRow): Packed {
  const to = new PackWriter()
  writePosition(to, position)
  to.flag(moved)
  writeHead(to, fact)
  writeList(to, fact.candidates)
  writeList(to, fact.unknown)
  to.blob(allGrants.bytesOf(fact.grants))
  to.blob(allVerdicts.bytesOf(verdicts))
  to.count(fact.credentials.length)
  for (const { id, kind, created, lastUsed, expires } of fact.credentials) {
    to.text(id)
    to.text(kind)
    for (const at of [created, lastUsed, expires]) to.time(at)
  }
  writeEntries(to, fact.entries)
  writeLapses(to, fact.lapsed)
  if (fact.revoked !== null) writeRevocations(to, fact.revoked)
  if (fact.exposed !== null) writeList(to, fact.exposed)
  return to.end()
}

export function unpackAccount(packed: Packed): AccountRow {
  const from = new PackReader(packed)
  const position = readPosition(from)
  const moved = from.flag()
  const { hasRevoked, ...head } = readHead(from)
  const candidates = readList(from)
  const unknown = readList(from)
  const grants = allGrants.at(from.blob())
  const verdicts = allVerdicts.at(from.blob())
  const credentials = from.list(() => (
    { id: from.word(), kind: from.word(), created: from.time(), lastUsed: from.time(), expires: from.time() }
  ))
  const entries = readEntries(from)
  const lapsed = readLapses(from)
  const revoked = hasRevoked ? readRevocations(from) : null
  const exposed = from.isAtEnd ? null : readList(from)
  return { fact: { ...head, candidates, unknown, grants, credentials, entries, lapsed, exposed, revoked }, position, moved, verdicts }
}

function packVerdicts(verdicts: readonly GrantVerdict[]): Packed {
  const to = new PackWriter()
  writeList(to, verdicts)
  return to.end()
}

type Head = Omit<AccountState, 'candidates' | 'unknown' | 'grants' | 'credentials' | 'entries' | 'lapsed' | 'exposed' | 'revoked'>

function writeHead(to: PackWriter, head: Head & Pick<AccountState, 'revoked'>): void {
  to.text(head.app)
  to.text(head.account)
  to.text(head.native)
  to.text(head.kind)
  to.text(head.status)
  to.text(head.display)
  to.text(head.match)
  to.text(head.identity)
  to.text(head.owner)
  to.text(head.ownerState)
  to.time(head.created)
  to.time(head.lastUsed)
  to.time(head.since)
  to.time(head.observed)
  to.time(head.valid)
  to.count(
    (head.whole ? isWhole : 0) + (head.grantsSince === null ? 0 : hasTimes) + (head.revoked === null ? 0 : hasRevocations) +
    (head.contestedSince === null ? 0 : isContested),
  )
  if (head.grantsSince !== null) {
    to.count(head.grantsSince.length)
    for (const at of head.grantsSince) to.time(at)
  }
  if (head.contestedSince !== null) to.time(head.contestedSince)
}

/**
 * A row's flags. Rows of older releases have none of those that tell what these had elsewhere or nowhere: since when grants are held, what is
 * revoked, since when it has been contested.
 */
const isWhole = 1
const hasTimes = 2
const hasRevocations = 4
const isContested = 8

function readHead(from: PackReader): Head & { hasRevoked: boolean } {
  const head = {
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
  }
  const flags = from.count()
  return {
    ...head, whole: (flags & isWhole) !== 0, hasRevoked: (flags & hasRevocations) !== 0,
    grantsSince: (flags & hasTimes) !== 0 ? from.list(() => from.moment()) : null,
    contestedSince: (flags & isContested) !== 0 ? from.moment() : null,
  }
}

function pairsOf(flat: readonly string[]): Record<string, string> {
  const pairs: [string, string][] = []
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!])
  return Object.fromEntries(pairs)
}
