import { z } from 'zod'
import type { EntitlementRef, IntentKey, Subject } from '../../../schemas/wire/intent.ts'
import type { RecordOf } from '../../../schemas/wire/topics.ts'
import { accountKey } from '../../core/keys.ts'
import { compareKeys } from '../../core/order.ts'
import { type FeedShape, type TypedRow, renameFields } from './shape.ts'

/** Application and native account id -> canonical id, by the application's rule. */
export type CanonicalAccount = (app: string, native: string) => string

/** Where a row's record goes (null: broadcast) and what it is called. */
export interface Trace {
  id: string
  key: string | null
}

/** Pure: partition key and id of a row. Ids that a feed may leave out are made of what the row is about. */
export function traceOf(typed: TypedRow, canonical: CanonicalAccount): Trace {
  switch (typed.class) {
    case 'identities':
      return { id: typed.row.id, key: typed.row.id }
    case 'business-roles':
      return { id: typed.row.id, key: null }
    case 'role-assignments': {
      const { id, identity, role, from } = typed.row
      return { id: id ?? `${identity}/${role}/${from}`, key: identity }
    }
    case 'requests':
    case 'decisions':
      return { id: typed.row.id, key: subjectKey(typed.row, canonical) }
    case 'links': {
      const { id, app, account, relation } = typed.row
      const key = accountKey(app, canonical(app, account))
      return { id: id ?? `${key}/${relation}`, key }
    }
  }
}

const lenient = z.union([z.string().min(1), z.int().transform(String)]).nullable().catch(null)
const Readable = z.object({ id: lenient, identity: lenient, account: lenient, app: lenient, relation: lenient })

/**
 * What can be told of a rejected row: the same id and key that its record would have had, or null where they can't be known, and
 * with them what is missing now.
 */
export function traceOfRejected(values: Readonly<Record<string, unknown>>, shape: FeedShape, canonical: CanonicalAccount): Trace | null {
  const renamed = renameFields(values, shape)
  const row = Readable.parse({ id: null, identity: null, account: null, app: null, relation: null, ...renamed })
  const onAccount = row.app !== null && row.account !== null ? accountKey(row.app, canonical(row.app, row.account)) : null
  switch (shape.class) {
    case 'identities':
      return row.id === null ? null : { id: row.id, key: row.id }
    case 'business-roles':
      return row.id === null ? null : { id: row.id, key: null }
    case 'role-assignments':
      return row.id === null || row.identity === null ? null : { id: row.id, key: row.identity }
    case 'requests':
    case 'decisions': {
      const key = row.identity !== null && row.account === null ? row.identity : row.identity === null ? onAccount : null
      return row.id === null || key === null ? null : { id: row.id, key }
    }
    case 'links': {
      if (onAccount === null) return null
      if (row.id !== null) return { id: row.id, key: onAccount }
      const relation = renamed['relation'] === undefined ? 'holder' : row.relation
      return relation === 'holder' || relation === 'owner' ? { id: `${onAccount}/${relation}`, key: onAccount } : null
    }
  }
}

interface IntentFrame {
  feed: string
  run: number | null
  observed: number
}

type IntentObject = Extract<RecordOf<'intent'>, { feed: string; removed: boolean }>

/** Pure: the record of a row, or of all rows of one business role. */
export function intentOf(typed: TypedRow, frame: IntentFrame, canonical: CanonicalAccount): IntentObject {
  const { id } = traceOf(typed, canonical)
  const facet = { ...frame, valid: typed.row.valid, removed: typed.row.removed, id }
  switch (typed.class) {
    case 'identities': {
      const { status, display, start, end, lastDay, continues, attributes } = typed.row
      return { type: 'Identity', ...facet, status, display, start, end: end ?? lastDay, continues, attributes: sortRecord(attributes), keys: keysOf(typed.row.keys) }
    }
    case 'business-roles': {
      const { name, owner, when } = typed.row
      return { type: 'BusinessRole', ...facet, name: name ?? id, owner, grants: grantsOf(typed), when: sortRecord(when) }
    }
    case 'role-assignments': {
      const { identity, role, from, until, lastDay } = typed.row
      return { type: 'RoleAssignment', ...facet, identity, role, from, until: until ?? lastDay }
    }
    case 'requests': {
      const { app, entitlement, from, until, lastDay, approvedBy } = typed.row
      return { type: 'AccessRequest', ...facet, subject: subjectOf(typed.row, canonical), app, entitlement, from, until: until ?? lastDay, approvedBy }
    }
    case 'decisions': {
      const { campaign, app, entitlement, verdict, by, at } = typed.row
      return { type: 'Decision', ...facet, campaign, subject: subjectOf(typed.row, canonical), app, entitlement, verdict, by, at }
    }
    case 'links': {
      const { app, identity, relation } = typed.row
      return { type: 'AccountLink', ...facet, app, account: canonical(app, typed.row.account), identity, relation }
    }
  }
}

/**
 * Rows of one id as one: business roles come one row a grant, of everything else equal rows only. Null where they contradict each
 * other, and nobody can say which is right.
 */
export function mergeRows(rows: readonly TypedRow[]): TypedRow | null {
  const [first, ...others] = rows
  if (first === undefined) return null
  return others.reduce<TypedRow | null>((merged, other) => (merged === null ? null : mergeTwo(merged, other)), first)
}

function mergeTwo(a: TypedRow, b: TypedRow): TypedRow | null {
  if (a.class !== 'business-roles' || b.class !== 'business-roles') return JSON.stringify(a) === JSON.stringify(b) ? a : null
  const conditions = [a.row.when, b.row.when].map((when) => JSON.stringify(sortRecord(when)))
  const agree =
    (a.row.name ?? b.row.name) === (b.row.name ?? a.row.name) &&
    (a.row.owner ?? b.row.owner) === (b.row.owner ?? a.row.owner) &&
    a.row.removed === b.row.removed &&
    (conditions[0] === conditions[1] || conditions[1] === '{}' || conditions[0] === '{}')
  if (!agree) return null
  const row = {
    ...a.row,
    name: a.row.name ?? b.row.name,
    owner: a.row.owner ?? b.row.owner,
    valid: a.row.valid ?? b.row.valid,
    when: conditions[0] === '{}' ? b.row.when : a.row.when,
    grants: [...grantsOf(a), ...grantsOf(b)],
    app: null,
    entitlement: null,
  }
  return { class: 'business-roles', row }
}

function grantsOf({ row }: Extract<TypedRow, { class: 'business-roles' }>): EntitlementRef[] {
  const all = row.app !== null && row.entitlement !== null ? [...row.grants, { app: row.app, entitlement: row.entitlement }] : row.grants
  const unique = new Map(all.map(({ app, entitlement }) => [`${app}/${entitlement}`, { app, entitlement }]))
  return [...unique].sort(([a], [b]) => compareKeys(a, b)).map(([, grant]) => grant)
}

function keysOf(keys: Readonly<Record<string, readonly string[]>>): IntentKey[] {
  return Object.entries(keys)
    .sort(([a], [b]) => compareKeys(a, b))
    .flatMap(([space, values]) => [...new Set(values)].sort(compareKeys).map((key) => ({ space, key, since: null })))
}

interface SubjectRow {
  identity: string | null
  app: string
  account: string | null
}

const subjectKey = (row: SubjectRow, canonical: CanonicalAccount): string =>
  row.identity ?? accountKey(row.app, canonical(row.app, row.account ?? ''))

const subjectOf = (row: SubjectRow, canonical: CanonicalAccount): Subject =>
  row.identity !== null
    ? { identity: row.identity, app: null, account: null }
    : { identity: null, app: row.app, account: canonical(row.app, row.account ?? '') }

const sortRecord = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareKeys(a, b)))
