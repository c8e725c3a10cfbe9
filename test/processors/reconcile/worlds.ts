import fc from 'fast-check'
import type { Credential, DesiredEntry, LapsedEntry, Revocation } from '../../../schemas/wire/common.ts'
import type { FactGrant, FactRecord } from '../../../schemas/wire/facts.ts'
import {
  absences, alone, app, baselines, DAY, desired, entry, gone, grant, held, lapse, policy, reason, reference, service, sources, T0,
} from './given.ts'

/** Small random worlds: few names, so that things meet. Each subject is a list of versions, of which the last one counts. */

const apps = ['billing', 'payroll']
const names = ['enter', 'pay', 'see']
const people = ['ann', 'bob']

const entitlement = fc.constantFrom(...names)
const someApp = fc.constantFrom(...apps)

const grants = fc
  .uniqueArray(fc.tuple(entitlement, fc.boolean(), fc.integer({ min: 0, max: 9 })), { maxLength: 3, selector: ([name]) => name })
  .map((list): FactGrant[] => list.map(([name, direct, n]) => grant(name, { direct, mapped: n > 0, since: T0 - (n % 3) * DAY })))

const governed = fc
  .uniqueArray(fc.tuple(someApp, entitlement, fc.boolean(), fc.constantFrom('expired', 'withdrawn', 'denied')), {
    maxLength: 4, selector: ([of, name]) => `${of}/${name}`,
  })
  .map((list) => ({
    entries: list.flatMap(([of, name, isDesired]): DesiredEntry[] => (isDesired ? [entry(name, { app: of })] : [])),
    lapsed: list.flatMap(([of, name, isDesired, why]): LapsedEntry[] => (isDesired ? [] : [lapse(name, { app: of, why })])),
  }))

const revoked = fc
  .array(fc.tuple(someApp, entitlement, fc.constantFrom(-2, -1, 1)), { maxLength: 2 })
  .map((list): Revocation[] | null => (list.length === 0 ? null : list.map(([of, name, days]) => (
    { app: of, entitlement: name, reason: reason('D', { kind: 'decision', from: T0 + days * DAY }) }
  ))))

/** What is said of an account alone; of most nothing. */
const said = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.tuple(governed, revoked).map(([access, of]) => ({ ...access, revoked: of })) })

const credentials = fc
  .option(fc.integer({ min: -2, max: 2 }), { nil: undefined })
  .map((days): Credential[] => (days === undefined ? [] : [{ id: 'k', kind: 'key', created: null, lastUsed: null, expires: T0 + days * DAY }]))

const exposed = fc.constantFrom<string[] | null>(null, null, ['display'], ['owner', 'values.note'])

const person = (identity: string) =>
  fc.tuple(governed, fc.integer({ min: 0, max: 4 }), revoked).map(([access, n, of]): FactRecord =>
    n === 0
      ? desired(identity, [], { status: 'ended', end: T0 - DAY, lapsed: access.lapsed.map((one) => ({ ...one, why: 'ended' })) })
      : desired(identity, access.entries, { lapsed: access.lapsed, revoked: of }),
  )

const personal = (identity: string, of: string) =>
  fc
    .record({ grants, credentials, exposed, said, status: fc.constantFrom('active', 'active', 'disabled'), match: fc.constantFrom('matched', 'linked', 'contested'), lastUsed: fc.constantFrom(null, T0 - 200 * DAY, T0) })
    .chain(({ grants: list, said: own, ...more }) =>
      fc.constantFrom<FactRecord>(
        held(identity, `${identity}-1`, list, { app: of, candidates: people, ...more, ...own }),
        gone(`identity/${identity}`, `${identity}-1`, { app: of }),
      ),
    )

const ownHome = (of: string) =>
  fc.record({ grants, credentials, exposed, governed }).chain(({ grants: list, governed: access, ...more }) =>
    fc.constantFrom<FactRecord>(
      service('x', list, { app: of, ...more, ...access }),
      service('x', list, { app: of, ...more, ...access, owner: null, ownerState: 'none' }),
      service('x', list, { app: of, ...more, ...access, ownerState: 'contested', candidates: people }),
      alone('x', list, { app: of, ...more }),
      alone('x', list, { app: of, ...more, match: 'contested', candidates: people }),
      gone(`account/${of}/x`, 'x', { app: of }),
    ),
  )

const versions = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 3 })

/** Facts of every kind, each subject in one to three versions. */
export const subjects: fc.Arbitrary<FactRecord[][]> = fc.tuple(
  ...people.map((identity) => versions(person(identity))),
  ...people.flatMap((identity) => apps.map((of) => versions(personal(identity, of)))),
  ...apps.map((of) => versions(ownHome(of))),
  versions(fc.boolean().map((removed): FactRecord => reference('bob', 'x', { removed }))),
  versions(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3 })).map(([isHeld, absent]): FactRecord => absences(1, { held: isHeld, absent }))),
)

const rule = { id: 'R', name: 'enter and pay', left: [{ app: 'billing', entitlement: 'enter' }], right: apps.map((of) => ({ app: of, entitlement: 'pay' })) }

/** Settings and baselines, each a subject of its own. */
export const surroundings = (): FactRecord[][] => [
  ...apps.map((name) => [app(name)]),
  [policy({ dormantAfterDays: 90, sod: [rule] })],
  [sources(apps, ['hr', 'roles'])],
  ...baselines(apps, ['hr', 'roles']).map((one) => [one]),
]

/** All versions of all subjects in an order drawn from `keys`; the versions of one subject keep theirs. */
export function interleaved(all: readonly FactRecord[][], keys: readonly number[]): FactRecord[] {
  const slots = all.flatMap((list, subject) => list.map(() => subject))
  const order = slots.map((subject, i) => ({ subject, key: keys[i % keys.length]! * (i + 1) % 9_973 })).sort((a, b) => a.key - b.key)
  const taken = all.map(() => 0)
  return order.map(({ subject }) => all[subject]![taken[subject]!++]!)
}

export const shuffleKeys = fc.array(fc.integer({ min: 1, max: 9_972 }), { minLength: 7, maxLength: 40 })
