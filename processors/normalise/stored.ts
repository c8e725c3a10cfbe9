import type { AccountKind, AccountStatus, Credential } from '../../schemas/wire/common.ts'
import type { Assignment } from '../../schemas/wire/raw.ts'
import type { State } from '../../src/ports/processor.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import type { AccountRow, Attributes, Kept, Published } from './account.ts'
import { allAssignments } from './facets.ts'
import { readHeld, writeHeld } from './held.ts'

/** The table `accounts`: rows packed, under `<app>/<id>`. */
const table = 'accounts'

export function accountOf(state: State, key: string): AccountRow | undefined {
  const packed = state.get<Packed>(table, key)
  return packed === undefined ? undefined : unpackRow(packed)
}

export function putAccount(state: State, key: string, row: AccountRow): void {
  state.put(table, key, packRow(row))
}

export function deleteAccount(state: State, key: string): void {
  state.delete(table, key)
}

/** Those of an app (null: of all) in the order of their keys, strictly after `after`. */
export function* accountsOf(state: State, app: string | null, after: string | null): Iterable<readonly [key: string, row: AccountRow]> {
  const prefix = app === null ? '' : `${app}/`
  for (const [key, packed] of state.range<Packed>(table, after === null ? { prefix } : { prefix, after })) yield [key, unpackRow(packed)]
}

export function packRow({ ordinal, native, since, attributes, memberships, grants, credentials, published, held, watches, due }: AccountRow): Packed {
  const to = new PackWriter()
  to.count(ordinal)
  to.text(native)
  to.time(since)
  writeKept(to, attributes, writeAttributes)
  writeKept(to, memberships, writeAssignments)
  writeKept(to, grants, writeAssignments)
  writeKept(to, credentials, writeCredentials)
  writePublished(to, published)
  to.flag(held !== null)
  if (held !== null) writeHeld(to, held)
  to.count(watches.length)
  for (const topic of watches) to.text(topic)
  to.time(due)
  return to.end()
}

export function unpackRow(packed: Packed): AccountRow {
  const from = new PackReader(packed)
  return {
    ordinal: from.count(),
    native: from.word(),
    since: from.moment(),
    attributes: readKept(from, readAttributes),
    memberships: readKept(from, readAssignments),
    grants: readKept(from, readAssignments),
    credentials: readKept(from, readCredentials),
    published: readPublished(from),
    held: from.flag() ? readHeld(from) : null,
    watches: from.list(() => from.word()),
    due: from.time(),
  }
}

function writeKept<C>(to: PackWriter, kept: Kept<C> | null, write: (to: PackWriter, content: C) => void): void {
  to.flag(kept !== null)
  if (kept === null) return
  to.time(kept.observed)
  to.time(kept.valid)
  to.flag(kept.whole)
  to.whole(kept.at[0])
  to.whole(kept.at[1])
  write(to, kept.content)
}

function readKept<C>(from: PackReader, read: (from: PackReader) => C): Kept<C> | null {
  if (!from.flag()) return null
  return { observed: from.moment(), valid: from.time(), whole: from.flag(), at: [from.whole(), from.whole()], content: read(from) }
}

function writeAttributes(to: PackWriter, { kind, status, display, created, lastUsed, owner, values }: Attributes): void {
  to.text(kind)
  to.text(status)
  to.text(display)
  to.text(owner)
  to.time(created)
  to.time(lastUsed)
  const entries = Object.entries(values)
  to.count(entries.length)
  for (const [name, value] of entries) {
    to.text(name)
    to.text(value)
  }
}

function readAttributes(from: PackReader): Attributes {
  const kind = from.word() as AccountKind
  const status = from.word() as AccountStatus
  const display = from.text()
  const owner = from.text()
  const created = from.time()
  const lastUsed = from.time()
  return { kind, status, display, created, lastUsed, owner, values: Object.fromEntries(from.list(() => [from.word(), from.word()])) }
}

const writeAssignments = (to: PackWriter, list: readonly Assignment[]): void => to.blob(allAssignments.bytesOf(list))
const readAssignments = (from: PackReader): readonly Assignment[] => allAssignments.at(from.blob())

function writeCredentials(to: PackWriter, list: readonly Credential[]): void {
  to.count(list.length)
  for (const { id, kind, created, lastUsed, expires } of list) {
    to.text(id)
    to.text(kind)
    for (const at of [created, lastUsed, expires]) to.time(at)
  }
}

function readCredentials(from: PackReader): Credential[] {
  return from.list(() => ({ id: from.word(), kind: from.word(), created: from.time(), lastUsed: from.time(), expires: from.time() }))
}

function writePublished(to: PackWriter, published: Published | null): void {
  to.flag(published !== null)
  if (published === null) return
  const { home, content, reference } = published
  to.text(home)
  to.text(content)
  to.text(reference?.home ?? null)
  to.text(reference?.digest ?? null)
}

function readPublished(from: PackReader): Published | null {
  if (!from.flag()) return null
  const home = from.word()
  const content = from.word()
  const accountable = from.text()
  const digest = from.text()
  return { home, content, reference: accountable === null || digest === null ? null : { home: accountable, digest } }
}
