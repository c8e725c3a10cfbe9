import type { BusinessRole, Identity } from '../../schemas/wire/intent.ts'
import { compareKeys } from '../../src/core/order.ts'

type Since = Record<string, number>

interface Role {
  record: BusinessRole
  since: Since
}

/**
 * When what the record says became so, ms: as the source says, be it to come, else when it was observed. The source's clock may
 * run ahead of the last tick; what was observed has begun all the same.
 */
const begunAt = (record: { valid: number | null; observed: number }, now: number): number =>
  record.valid ?? Math.min(now, Math.floor(record.observed / 1000))

/**
 * Since when each attribute has its value: where it was first seen so, as long as there is the identity (0), whenever its start
 * turns out to be; without a start since it was seen; else since the change.
 */
export function attributesSince(record: Identity, before: { record: Identity; since: Since } | undefined, now: number): Since {
  const changed = begunAt(record, now)
  const first = record.start === null ? changed : 0
  return collect(Object.keys(record.attributes), (name) => {
    if (before === undefined) return first
    return before.record.attributes[name] === record.attributes[name] ? (before.since[name] ?? first) : changed
  })
}

const conditionName = 'when'
const grantName = (app: string, entitlement: string): string => `grant:${app}/${entitlement}`

/**
 * Since when the role has each grant and its condition. `loaded`: roles were read completely before, so one that is seen for the
 * first time is new; before that its age is not known, and it counts as old as whatever it is applied to.
 */
export function roleSince(record: BusinessRole, before: Role | undefined, { loaded, now }: { loaded: boolean; now: number }): Since {
  const changed = begunAt(record, now)
  const first = loaded ? changed : 0
  const same = before !== undefined && equalConditions(before.record.when, record.when)
  return collect([conditionName, ...record.grants.map(({ app, entitlement }) => grantName(app, entitlement))], (name) => {
    if (before === undefined) return first
    if (name === conditionName) return same ? (before.since[name] ?? first) : changed
    return before.since[name] ?? changed
  })
}

/** One grant of a role, and since when the role has it, ms; 0: for as long as the role is known. */
interface DatedGrant {
  readonly app: string
  readonly entitlement: string
  readonly since: number
}

/** Of rows that were asked before. A cache: rows do not change. */
const dated = new WeakMap<Role, readonly DatedGrant[]>()

/** Asked for every role of every identity. In order, so that what is made of them has little to put in order. */
export function datedGrants(role: Role): readonly DatedGrant[] {
  let grants = dated.get(role)
  if (grants === undefined) {
    const { record, since } = role
    grants = record.grants
      .map(({ app, entitlement }) => ({ app, entitlement, since: since[grantName(app, entitlement)] ?? 0 }))
      .sort((a, b) => compareKeys(a.app, b.app) || compareKeys(a.entitlement, b.entitlement))
    dated.set(role, grants)
  }
  return grants
}

/** When these attributes came to fulfil the role's condition, ms. */
export function matchedSince(role: Role, attributes: Since): number {
  return Math.max(role.since[conditionName] ?? 0, ...Object.keys(role.record.when).map((name) => attributes[name] ?? 0))
}

function equalConditions(a: BusinessRole['when'], b: BusinessRole['when']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** In the order of the names, so that equal content is stored in equal bytes. */
function collect(names: readonly string[], value: (name: string) => number): Since {
  return Object.fromEntries([...names].sort(compareKeys).map((name) => [name, value(name)]))
}
