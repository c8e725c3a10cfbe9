import fc from 'fast-check'
import type { AppSetting, PolicySetting } from '../../schemas/settings.ts'
import type { AccountKind, Credential } from '../../schemas/wire/common.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import { startOfTime } from './player.ts'
import { feedOf, idOf, intentKinds, nameOfRef, type IntentKind, type IntentObject } from './records.ts'
import type { Change } from './history.ts'
import type { WorldAccount, WorldIdentity } from './world.ts'

/**
 * Objects of small worlds. Names come from small pools, so that things meet. Restrictions, each with its reason:
 * - Moments lie on half hours and the clock moves by whole hours: no moment is now, where "before" and "since" may both be meant.
 * - Revocations concern entitlement e3 alone, and business roles never give it: since when an identity matches a role, or a role
 *   has a grant, is read off the history, and so whether a revocation came before it.
 * - Keys say since when they are claimed: otherwise it is read off the history.
 * - The subject of an intent object follows from its id: governance withdraws a request, it does not hand it to another.
 */

const DAY_MS = 86_400_000
const at = (days: number): number => startOfTime + days * DAY_MS + DAY_MS / 48

const past = fc.constantFrom(-400, -300, -200, -120, -100, -50, -20, -3).map(at)
/** within the time that histories last */
const soon = fc.constantFrom(1, 2, 4).map(at)
const future = fc.constantFrom(500, 900).map(at)
const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value })
const until = fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, past, soon, future)

export const appNames = ['crm', 'erp'] as const
const app = fc.constantFrom(...appNames)
const person = fc.constantFrom('p0', 'p1', 'p2', 'p3', 'p4', 'p5')
const keyName = fc.constantFrom('k0', 'k1', 'k2', 'k3')
const entitlement = fc.constantFrom('e0', 'e1', 'e2', 'e3')
const native = fc.constantFrom('n0', 'n1', 'n2', 'n3', 'n4', 'n5')
const holder = fc.constantFrom<Ref>(
  { kind: 'role', id: 'r0' }, { kind: 'role', id: 'r1' }, { kind: 'group', id: 'g0' }, { kind: 'group', id: 'g1' }, { kind: 'group', id: 'g2' },
)
const some = <T>(values: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> => fc.uniqueArray(values, { maxLength, selector: (value) => JSON.stringify(value) })

/** n0 and n4 are one entitlement; n5 has no name in the catalogue. */
const catalogue = { n0: 'e0', n1: 'e1', n2: 'e2', n3: 'e3', n4: 'e0' }
export const catalogues = fc.constantFrom<Record<string, string>>(catalogue, catalogue, { ...catalogue, n5: 'e1' }, { n0: 'e0', n1: 'e1' })

const matchRules = fc.constantFrom<AppSetting['match']>(
  [{ space: 'mail', attribute: 'mail' }],
  [{ space: 'login', attribute: 'login' }, { space: 'mail', attribute: 'mail' }],
  [{ space: 'mail', attribute: 'mail' }, { space: 'login', attribute: 'login' }],
)

export const appSettings: fc.Arbitrary<Partial<AppSetting>> = fc.record({
  match: matchRules, ownerSpace: fc.constantFrom('mail', 'mail', 'login', null), catalogue: catalogues, reread: fc.boolean(),
})

export const policies: fc.Arbitrary<PolicySetting> = fc.record({
  dormantAfterDays: fc.constantFrom(90, null),
  credentialMaxAgeDays: fc.constantFrom(365, null),
  credentialUnusedDays: fc.constantFrom(null, 30),
  sod: fc.constantFrom<PolicySetting['sod']>(
    [{ id: 'R', name: 'two hands', left: [{ app: 'crm', entitlement: 'e0' }], right: [{ app: 'crm', entitlement: 'e1' }, { app: 'erp', entitlement: 'e2' }] }],
    [],
  ),
  severities: fc.constant({}),
})

const status = fc.constantFrom<WorldIdentity['status']>('active', 'active', 'active', 'active', 'planned', 'ended')

const spaces = fc.constantFrom('mail', 'mail', 'login')
/** Mostly a person's own: two persons each have k0 and k1. */
const keysOf = (n: number): fc.Arbitrary<WorldIdentity['keys']> => fc.uniqueArray(
  fc.record({ space: spaces, key: fc.oneof({ weight: 3, arbitrary: fc.constant(`k${n % 4}`) }, keyName), since: past, until: fc.constant(null) }),
  { maxLength: 3, selector: ({ space, key }) => `${space} ${key}` },
)

const identity: fc.Arbitrary<WorldIdentity> = fc.nat(5).chain((n) => fc.record({
  id: fc.constant(`p${n}`),
  start: fc.oneof({ weight: 4, arbitrary: past }, fc.constant(null), soon, future),
  end: until,
  status,
  continues: rarely(person),
  attributes: fc.record({ dept: fc.constantFrom('d0', 'd1'), site: fc.constantFrom('s0', 's1') }),
  keys: keysOf(n),
}))

/** A key as people type it: matching folds case and white space. */
const typed = keyName.chain((key) => fc.constantFrom(key, key, key.toUpperCase(), ` ${key}`))

/** As the platform masks it. */
const masked = fc.constantFrom('<secret>')
const credentials: fc.Arbitrary<Credential[]> = fc.uniqueArray(
  fc.record({ id: fc.constantFrom('c0', 'c1', 'c0', 'c1', '<secret 0123456789abcdef>'), kind: fc.constant('password'), created: rarely(past), lastUsed: rarely(past), expires: rarely(fc.oneof(past, soon)) }),
  { maxLength: 2, selector: ({ id }) => id },
)

/** `h…` are people's accounts. */
const accountId = fc.constantFrom('h0', 'h1', 'h2', 'h3', 's0', 's1', 's2')
const kinds: Readonly<Record<string, AccountKind>> = { s0: 'service', s1: 'apikey', s2: 'token' }

const account: fc.Arbitrary<WorldAccount> = fc
  .record({
    id: accountId,
    status: fc.constantFrom<WorldAccount['status']>('active', 'active', 'active', 'disabled'),
    created: fc.option(past, { nil: null }),
    lastUsed: rarely(fc.constantFrom(at(-3), at(-120))),
    owner: fc.oneof({ weight: 8, arbitrary: typed }, { weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: masked }),
    values: fc.oneof(
      { weight: 3, arbitrary: fc.record({ mail: typed }) }, { weight: 3, arbitrary: fc.record({ mail: typed, login: typed }) }, { weight: 3, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.record({ mail: fc.oneof(typed, masked), note: fc.oneof(fc.constant('plain'), masked) }) },
    ),
    memberships: some(holder, 2),
    grants: some(native, 3),
    credentials,
  })
  .map((value) => ({ ...value, kind: kinds[value.id] ?? 'human' }))

const child = fc.oneof(holder, native.map((id): Ref => ({ kind: 'entitlement', id })))
const definitionName = fc.oneof({ weight: 6, arbitrary: holder.map(({ kind, id }) => `${kind}:${id}`) }, { weight: 1, arbitrary: fc.constant('entitlement:n3') })

const subjects = [
  ...['p0', 'p1', 'p2', 'p3', 'p4', 'p5'].map((id) => ({ identity: id, account: null })),
  ...appNames.flatMap((name) => ['s0', 's1', 'h0', 'h1'].map((id) => ({ identity: null, account: { app: name, id } }))),
]
const subject = fc.nat(subjects.length - 1)

const request: fc.Arbitrary<IntentObject> = fc
  .record({ of: subject, n: fc.nat(2), app, entitlement, from: fc.oneof({ weight: 3, arbitrary: past }, soon), until })
  .map(({ of, n, ...value }) => ({ of: 'request', value: { id: `rq${of}-${n}`, ...subjects[of]!, ...forOwn(of, inOrder(value)) } }))

const decision: fc.Arbitrary<IntentObject> = fc
  .record({ of: subject, n: fc.nat(1), app, keep: fc.boolean(), entitlement, at: past })
  .map(({ of, n, keep, ...value }) => {
    const about = { ...forOwn(of, value), ...(keep ? {} : { entitlement: 'e3' }) }
    return { of: 'decision', value: { id: `dc${of}-${n}`, ...subjects[of]!, ...about, verdict: keep ? 'keep' : 'revoke' } }
  })

/** What begins before it ends. */
const inOrder = <V extends { from: number; until: number | null }>(value: V): V =>
  value.until === null ? value : { ...value, from: Math.min(value.from, value.until), until: Math.max(value.from, value.until) }

/** What an account may be given is its own application's. */
const forOwn = <V extends { app: string }>(of: number, value: V): V => ({ ...value, app: subjects[of]!.account?.app ?? value.app })

const role: fc.Arbitrary<IntentObject> = fc
  .record({
    id: fc.constantFrom('b0', 'b1', 'b2'),
    grants: some(fc.record({ app, entitlement: fc.constantFrom('e0', 'e1', 'e2') }), 3),
    when: fc.constantFrom<Record<string, string>>({}, { dept: 'd0' }, { dept: 'd1', site: 's0' }, { site: 's1' }),
  })
  .map((value) => ({ of: 'role', value }))

const assignment: fc.Arbitrary<IntentObject> = fc
  .record({ identity: person, n: fc.nat(1), role: fc.constantFrom('b0', 'b1', 'b2', 'b3'), from: fc.oneof({ weight: 3, arbitrary: past }, soon), until })
  .map(({ n, ...value }) => ({ of: 'assignment', value: { id: `as${value.identity}-${n}`, ...inOrder(value) } }))

const link: fc.Arbitrary<IntentObject> = fc
  .record({ app, account: accountId, identity: person, relation: fc.constantFrom<'holder' | 'owner'>('holder', 'owner') })
  .map((value) => ({ of: 'link', value }))

const objects: Readonly<Record<IntentKind, fc.Arbitrary<IntentObject>>> = {
  identity: identity.map((value): IntentObject => ({ of: 'identity', value })), role, assignment, request, decision, link,
}

const puts = (name: string): fc.Arbitrary<Change> => {
  const kind = intentKinds.find((of) => feedOf[of] === name)
  if (kind !== undefined) return objects[kind].map((object) => ({ do: 'put', object }))
  return fc.oneof(
    { weight: 3, arbitrary: account.map((value): Change => ({ do: 'put-account', app: name, value })) },
    { weight: 1, arbitrary: fc.record({ name: definitionName, children: some(child, 3) }).map((value): Change => ({ do: 'put-definition', app: name, ...value })) },
  )
}

const drops = (name: string): fc.Arbitrary<Change> => {
  const kind = intentKinds.find((of) => feedOf[of] === name)
  if (kind !== undefined) return objects[kind].map((object) => ({ do: 'drop', object: { of: kind, id: idOf(object) } }))
  return fc.oneof(
    accountId.map((id): Change => ({ do: 'drop-account', app: name, id })),
    definitionName.map((definition): Change => ({ do: 'drop-definition', app: name, name: definition })),
  )
}

const subjectKind = fc.constantFrom<'person' | 'account'>('person', 'person', 'account')

/** Somebody who asked for something (for themselves, or for an account of theirs) and holds it, or held it once: by chance alone these rarely meet. */
export const stories: fc.Arbitrary<Change[]> = fc
  .record({ n: fc.nat(3), at: app, who: identity, what: fc.nat(3), from: past, until, held: account, by: fc.constantFrom('grant', 'role', 'nothing'), stays: fc.boolean(), decided: past, asksFor: subjectKind, speaksOf: subjectKind })
  .map(({ n, at: where, who, what, from, until: end, held, by, stays, decided, asksFor, speaksOf }): Change[] => {
    const subjectOf = (kind: 'person' | 'account'): number =>
      kind === 'person' ? n : Math.max(n, subjects.findIndex(({ account: of }) => of?.app === where && of.id === `h${n}`))
    const [asking, revoking] = [subjectOf(asksFor), subjectOf(speaksOf)]

    const role: Ref = { kind: 'role', id: `r${n % 2}` }
    const defines: Change = { do: 'put-definition', app: where, name: nameOfRef(role), children: [{ kind: 'entitlement', id: `n${what}` }] }
    const mine = { ...who, ...(stays ? { status: 'active' as const, end: null } : {}), id: `p${n}`, keys: [{ space: 'mail', key: `k${n}`, since: who.start ?? from, until: null }] }
    const account: WorldAccount = { ...held, id: `h${n}`, kind: 'human', values: { mail: `k${n}` }, grants: by === 'grant' ? [`n${what}`] : held.grants, memberships: by === 'role' ? [role] : held.memberships }
    const revokes: Change = {
      do: 'put', object: { of: 'decision', value: { id: `dc${revoking}-0`, ...subjects[revoking]!, app: where, entitlement: 'e3', verdict: 'revoke', at: decided } },
    }
    const asked = inOrder({ id: `rq${asking}-0`, ...subjects[asking]!, app: where, entitlement: `e${what}`, from, until: stays ? null : end })
    return [
      { do: 'put', object: { of: 'identity', value: mine } }, { do: 'put-account', app: where, value: account }, { do: 'put', object: { of: 'request', value: asked } },
      ...(by === 'role' ? [defines] : []),
      ...(what === 3 ? [revokes] : []),
    ]
  })

const feedNames = Object.values(feedOf)
export const sourceNames = [...appNames, ...feedNames]

/** Something comes to be there, at this source or at any. */
export const putsAt: Readonly<Record<string, fc.Arbitrary<Change>>> = Object.fromEntries(sourceNames.map((name) => [name, puts(name)]))
export const anyPut: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: puts('crm') }, { weight: 2, arbitrary: puts('erp') }, { weight: 5, arbitrary: puts('hr') },
  ...feedNames.slice(1).map((name) => ({ weight: 2, arbitrary: puts(name) })),
)

export const changesAt: Readonly<Record<string, fc.Arbitrary<Change>>> = Object.fromEntries(
  sourceNames.map((name) => [name, fc.oneof(puts(name), drops(name))]),
)
export const anyChange: fc.Arbitrary<Change> = fc.oneof({ weight: 3, arbitrary: anyPut }, { weight: 2, arbitrary: fc.oneof(...sourceNames.map(drops)) })
