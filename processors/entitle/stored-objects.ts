import type { IdentityStatus } from '../../schemas/wire/common.ts'
import type { AccessRequest, AccountLink, Decision, Identity } from '../../schemas/wire/intent.ts'
import { compareKeys } from '../../src/core/order.ts'
import { readPosition, writePosition } from '../shared/packed-access.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import type { Personal, Said, Standing, Told } from './objects.ts'
import { isOf } from './objects.ts'

/** How what is said about a subject lies in the state. */

export function packStanding({ ordinal, observed, subject }: Standing): Packed {
  const to = new PackWriter()
  to.count(ordinal + 1)
  to.time(observed)
  to.text(subject)
  return to.end()
}

export function unpackStanding(packed: Packed): Standing {
  const from = new PackReader(packed)
  const ordinal = from.count() - 1
  return { ordinal, gone: ordinal < 0, observed: from.moment(), subject: from.text() }
}

/** `content`: of the record, as `packContent` gives it. */
export function packTold({ gone, source, record, since }: Told<Personal>, content: Packed): Packed {
  const to = new PackWriter()
  to.blob(content)
  to.flag(gone)
  writePosition(to, source)
  to.time(record.observed)
  to.time(record.valid)
  writePairs(to, since, (at) => to.time(at))
  return to.end()
}

export function unpackTold(packed: Packed): Told {
  const from = new PackReader(packed)
  const content = new PackReader(from.blob())
  const gone = from.flag()
  const source = readPosition(from)
  const record = readSaid(content, from.moment(), from.time())
  return { gone, source, record, since: readPairs(from, () => from.moment()) }
}

export function identityOf(packed: Packed): Told<Identity> | undefined {
  const told = unpackTold(packed)
  return isOf(told, 'Identity') ? told : undefined
}

export const contentOf = (told: Packed): Packed => new PackReader(told).blob()

const types: readonly Personal['type'][] = ['Identity', 'RoleAssignment', 'AccessRequest', 'Decision', 'AccountLink']

/**
 * What the record says, without when it was said: equal content is equal bytes, and changes nothing. What derivations read of it comes
 * first; the rest is there to be compared.
 */
export function packContent(record: Personal): Packed {
  const to = new PackWriter()
  to.count(types.indexOf(record.type))
  switch (record.type) {
    case 'Identity':
      writeIdentity(to, record)
      break
    case 'RoleAssignment':
      to.text(record.role)
      for (const at of [record.from, record.until]) to.time(at)
      for (const text of [record.id, record.identity]) to.text(text)
      break
    case 'AccessRequest':
      for (const text of [record.id, record.app, record.entitlement, record.approvedBy]) to.text(text)
      for (const at of [record.from, record.until]) to.time(at)
      writeSubject(to, record.subject)
      break
    case 'Decision':
      for (const text of [record.id, record.app, record.entitlement, record.by, record.verdict]) to.text(text)
      to.time(record.at)
      to.text(record.campaign)
      writeSubject(to, record.subject)
      break
    case 'AccountLink':
      for (const text of [record.identity, record.relation, record.id, record.app, record.account]) to.text(text)
  }
  to.text(record.feed)
  to.flag(record.removed)
  return to.end()
}

function readSaid(from: PackReader, observed: number, valid: number | null): Said {
  const type = types[from.count()]!
  switch (type) {
    case 'Identity':
      return { type, ...readIdentity(from), feed: from.word(), removed: from.flag(), run: null, observed, valid }
    case 'RoleAssignment':
      return { type, role: from.word(), from: from.moment(), until: from.time() }
    case 'AccessRequest':
      return { type, id: from.word(), app: from.word(), entitlement: from.word(), approvedBy: from.word(), from: from.moment(), until: from.time() }
    case 'Decision':
      return {
        type, id: from.word(), app: from.word(), entitlement: from.word(), by: from.word(), verdict: from.word() as Decision['verdict'], at: from.moment(),
      }
    case 'AccountLink':
      return { type, identity: from.word(), relation: from.word() as AccountLink['relation'], observed, valid }
  }
}

function writeSubject(to: PackWriter, { identity, app, account }: AccessRequest['subject']): void {
  for (const text of [identity, app, account]) to.text(text)
}

type IdentityContent = Omit<Identity, 'type' | 'feed' | 'removed' | 'run' | 'observed' | 'valid'>

function writeIdentity(to: PackWriter, { id, status, display, start, end, continues, attributes, keys }: IdentityContent): void {
  for (const text of [id, status, display, continues]) to.text(text)
  to.time(start)
  to.time(end)
  writePairs(to, attributes, (value) => to.text(value))
  to.count(keys.length)
  for (const { space, key, since } of keys) {
    to.text(space)
    to.text(key)
    to.time(since)
  }
}

function readIdentity(from: PackReader): IdentityContent {
  return {
    id: from.word(), status: from.word() as IdentityStatus, display: from.text(), continues: from.text(), start: from.time(), end: from.time(),
    attributes: readPairs(from, () => from.word()),
    keys: from.list(() => ({ space: from.word(), key: from.word(), since: from.time() })),
  }
}

/** In the order of the names. */
export function writePairs<V>(to: PackWriter, pairs: Readonly<Record<string, V>>, value: (value: V) => void): void {
  const names = Object.keys(pairs)
  if (names.length > 1) names.sort(compareKeys)
  to.count(names.length)
  for (const name of names) {
    to.text(name)
    value(pairs[name]!)
  }
}

export function readPairs<V>(from: PackReader, value: () => V): Record<string, V> {
  const count = from.count()
  if (count === 0) return {}
  const pairs: [string, V][] = []
  for (let left = count; left > 0; left--) pairs.push([from.word(), value()])
  return Object.fromEntries(pairs)
}
