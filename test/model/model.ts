import type { AccountStatus } from '../../schemas/wire/common.ts'
import type { FindingKind, GrantVerdict } from '../../schemas/wire/results.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import type { World, WorldAccount, WorldApp, WorldIdentity } from './world.ts'

/**
 * The judge: one plain pass over the whole truth, with no state, no order of arrival and no increments, written from
 * ARCHITECTURE.md alone. What the processors hold after any history must equal what this says of the end of it, for worlds in
 * which nothing waits (allowed delays of zero), nothing is undefined that something refers to, and no brake holds. What lapsed in
 * between and left no trace in the end can't be known here: whether a grant is `expired-grant` or `unauthorised-grant` is.
 */
export interface ModelFinding {
  kind: FindingKind
  home: string
  app: string | null
  account: string | null
  entitlement: string | null
  object: string | null
}

export interface ModelAccess {
  home: string
  app: string
  account: string
  entitlement: string
  native: string
  verdict: GrantVerdict
  direct: boolean
}

/** Several claim one account, or are claimed to be accountable for it: who, and since when one who has the key and another both have. */
export interface ModelContest {
  app: string
  account: string
  candidates: string[]
  since: number
}

interface Grant {
  entitlement: string
  native: string
  mapped: boolean
  direct: boolean
}

interface Placed {
  app: string
  account: WorldAccount
  home: string
  identity: WorldIdentity | null
  contested: boolean
  /** of its holder, or of its owner */
  contest: Contest | null
  grants: Grant[]
  owner: { state: 'owned' | 'none' | 'contested'; identity: WorldIdentity | null }
}

type Contest = Pick<ModelContest, 'candidates' | 'since'>

interface Entitled {
  desired: Set<string>
  expired: Set<string>
}

const key = (app: string, entitlement: string): string => JSON.stringify([app, entitlement])

export function judge(world: World): { findings: ModelFinding[]; access: ModelAccess[]; contests: ModelContest[] } {
  const placed = Object.entries(world.apps).flatMap(([app, of]) => (of.setting.state === 'retired' ? [] : of.accounts.map((account) => place(world, app, of, account))))
  const findings: ModelFinding[] = []
  const access: ModelAccess[] = []
  const find = (kind: FindingKind, home: string, parts: Partial<ModelFinding>): void => {
    findings.push({ app: null, account: null, entitlement: null, object: null, ...parts, kind, home })
  }
  for (const at of placed) {
    const own = { app: at.app, account: at.account.id }
    const human = at.account.kind === 'human'
    const active = at.account.status === 'active'
    const ended = at.identity !== null && statusOf(at.identity, world.now) === 'ended'
    const rights = at.identity !== null ? entitledPersonal(world, at.identity, at) : entitledAccount(world, at)
    const isKnown = (identity: WorldIdentity): boolean => world.identities.includes(identity)
    const orphaned = human && (at.identity === null ? !at.contested : !isKnown(at.identity))
    const unowned = !human && at.owner.state === 'none'
    // Whose desires would it be judged by?
    const unjudged = human && at.identity === null && at.contested
    if (human && at.contested) find('ambiguous-match', at.home, own)
    if (orphaned) find('orphaned-account', at.home, own)
    if (unowned) find('unowned-nhi', at.home, own)
    if (!human && at.owner.state === 'contested') find('ambiguous-match', at.home, own)
    if (ended && active) find('leaver-access', at.home, own)
    if (at.owner.identity !== null && (!isKnown(at.owner.identity) || statusOf(at.owner.identity, world.now) === 'ended')) find('owner-left', `identity/${at.owner.identity.id}`, own)
    for (const grant of at.grants) {
      const verdict = unjudged ? 'undecided' : ended ? 'unauthorised' : verdictOf(at, grant, rights)
      access.push({ home: at.home, ...own, entitlement: grant.entitlement, native: grant.native, verdict, direct: grant.direct })
      if (!active || orphaned || unowned || ended || unjudged) continue
      if (!grant.mapped) find('unmapped-entitlement', at.home, { ...own, entitlement: grant.entitlement })
      else if (verdict === 'unauthorised') find(rights.expired.has(key(at.app, grant.entitlement)) ? 'expired-grant' : 'unauthorised-grant', at.home, { ...own, entitlement: grant.entitlement })
    }
    for (const credential of at.account.credentials) if (isStale(world, credential)) find('stale-credential', at.home, { ...own, object: credential.id })
    if (isDormant(world, at.account)) find('dormant-account', at.home, own)
    for (const object of exposed(at.account)) find('exposed-secret', at.home, { ...own, object })
  }
  const strangers = placed.flatMap(({ identity }) => (identity === null || world.identities.includes(identity) ? [] : [identity.id]))
  for (const identity of [...world.identities, ...[...new Set(strangers)].map(unknown)]) judgeIdentity(world, identity, placed, find)
  for (const at of placed) {
    if (at.identity !== null) continue
    for (const rule of conflicts(world, [at])) find('sod-conflict', at.home, { object: rule })
    for (const wanted of missing(world, entitledAccount(world, at), [at])) find('missing-grant', at.home, wanted)
  }
  const contests = placed.flatMap(({ app, account, contest }) => (contest === null ? [] : [{ app, account: account.id, ...contest }]))
  return { findings: unique(findings), access, contests }
}

function judgeIdentity(world: World, identity: WorldIdentity, placed: Placed[], find: (kind: FindingKind, home: string, parts: Partial<ModelFinding>) => void): void {
  const home = `identity/${identity.id}`
  const mine = placed.filter((at) => at.identity?.id === identity.id)
  for (const wanted of missingPersonal(world, identity, mine)) find('missing-grant', home, wanted)
  for (const rule of conflicts(world, mine)) find('sod-conflict', home, { object: rule })
}

/** Catalogue names that active accounts hold. */
const heldBy = (accounts: Placed[]): Set<string> =>
  new Set(accounts.flatMap(({ app, account, grants }) => (account.status === 'active' ? grants.flatMap(({ mapped, entitlement }) => (mapped ? [key(app, entitlement)] : [])) : [])))

/**
 * What an account in use should hold by what is said of it alone, it has to hold itself. Of the rest any active account will do, but where a decision
 * about one of those in use speaks against it, it is not given to another in its place.
 */
function missingPersonal(world: World, identity: WorldIdentity, mine: Placed[]): { app: string; entitlement: string; account?: string }[] {
  const inUse = (app: string): Placed[] => {
    const there = mine.filter((at) => at.app === app)
    const used = there.filter(({ account, contested }) => account.status === 'active' && !contested)
    return used.length > 0 ? used : there
  }
  const own = mine.filter((at) => inUse(at.app).includes(at))
    .flatMap((at) => missing(world, claimedBy(world, identity, at), [at]).map((wanted) => ({ ...wanted, account: at.account.id })))
  const isSpokenAgainst = ({ app, entitlement }: { app: string; entitlement: string }): boolean =>
    inUse(app).some((at) => !entitledPersonal(world, identity, at).desired.has(key(app, entitlement)))
  const others = missing(world, entitledIdentity(world, identity), mine)
  return [...own, ...others.filter((one) => !isSpokenAgainst(one) && !own.some(({ app, entitlement }) => app === one.app && entitlement === one.entitlement))]
}

function missing(world: World, { desired }: Entitled, accounts: Placed[]): { app: string; entitlement: string }[] {
  const held = heldBy(accounts)
  const wanted = [...desired].filter((one) => !held.has(one)).map((one) => JSON.parse(one) as [string, string])
  return wanted.flatMap(([app, entitlement]) => (app in world.apps && world.apps[app]!.setting.state !== 'retired' ? [{ app, entitlement }] : []))
}

/** Several native ids may stand for one entitlement: that one of them is direct is enough. */
function verdictOf({ app, grants }: Placed, grant: Grant, rights: Entitled): GrantVerdict {
  if (!grant.mapped) return 'undecided'
  if (!rights.desired.has(key(app, grant.entitlement))) return 'unauthorised'
  return grants.some((other) => other.mapped && other.direct && other.entitlement === grant.entitlement) ? 'matched' : 'matched-indirectly'
}

function conflicts(world: World, accounts: Placed[]): string[] {
  const held = heldBy(accounts)
  const any = (side: { app: string; entitlement: string }[]): boolean => side.some(({ app, entitlement }) => held.has(key(app, entitlement)))
  return world.policy.sod.filter((rule) => any(rule.left) && any(rule.right)).map(({ id }) => id)
}

export function statusOf(identity: WorldIdentity, now: number): 'planned' | 'active' | 'ended' {
  if (identity.status === 'ended' || (identity.end !== null && identity.end <= now)) return 'ended'
  if (identity.start !== null) return identity.start > now ? 'planned' : 'active'
  return identity.status
}

interface ReasonSpan {
  app: string
  entitlement: string
  from: number
  until: number | null
}

const entitledIdentity = (world: World, identity: WorldIdentity): Entitled =>
  inTenure(world, identity, spansOf(world, identity), decisionsOf(world, identity))

/** One of a person's accounts: by what is said of the person and of this account, each of which may revoke what the other gives. */
function entitledPersonal(world: World, identity: WorldIdentity, at: Placed): Entitled {
  return inTenure(world, identity, [...spansOf(world, identity), ...about(at, world.requests)], [...decisionsOf(world, identity), ...about(at, world.decisions)])
}

/** By what is said of this account alone, as far as nothing revokes it. */
function claimedBy(world: World, identity: WorldIdentity, at: Placed): Entitled {
  const revoked = decisionsOf(world, identity).filter(({ verdict }) => verdict === 'revoke')
  return inTenure(world, identity, about(at, world.requests), [...revoked, ...about(at, world.decisions)])
}

function inTenure(world: World, identity: WorldIdentity, spans: ReasonSpan[], decisions: World['decisions']): Entitled {
  const rights = standing(world.now, beginOf(identity), spans, decisions)
  return statusOf(identity, world.now) === 'ended' ? { desired: new Set(), expired: rights.expired } : rights
}

/** Planned for nobody knows when: nothing has begun. */
const beginOf = ({ start, status }: WorldIdentity): number => start ?? (status === 'planned' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)

const decisionsOf = (world: World, { id }: WorldIdentity): World['decisions'] => world.decisions.filter(({ identity }) => identity === id)

const about = <T extends { account: { app: string; id: string } | null }>({ app, account: { id } }: { app: string; account: WorldAccount }, items: T[]): T[] =>
  items.filter(({ account }) => account?.app === app && account.id === id)

function spansOf(world: World, identity: WorldIdentity): ReasonSpan[] {
  const begin = beginOf(identity)
  const roles = [
    ...world.businessRoles.filter(({ when }) => Object.keys(when).length > 0 && Object.entries(when).every(([name, value]) => identity.attributes[name] === value)).map((role) => ({ role, from: begin, until: null as number | null })),
    ...world.assignments.filter((item) => item.identity === identity.id).flatMap(({ role, from, until }) => world.businessRoles.filter(({ id }) => id === role).map((found) => ({ role: found, from, until }))),
  ]
  const given = roles.flatMap(({ role, from, until }) => role.grants.map((grant) => ({ ...grant, from, until })))
  return [...given, ...world.requests.filter((request) => request.identity === identity.id)]
}

function entitledAccount(world: World, at: { app: string; account: WorldAccount }): Entitled {
  return standing(world.now, Number.NEGATIVE_INFINITY, about(at, world.requests), about(at, world.decisions))
}

/**
 * A reason is in force from the later of its own beginning and the identity's, until the first of its own end and a revocation
 * that is later than its own beginning. Of the reasons that ended the last one says how the entitlement lapsed.
 */
function standing(now: number, begin: number, spans: ReasonSpan[], decisions: World['decisions']): Entitled {
  const kept = decisions.filter(({ verdict }) => verdict === 'keep').map(({ app, entitlement, at }) => ({ app, entitlement, from: at, until: null }))
  const desired = new Set<string>()
  const lapsed = new Map<string, { at: number; expired: boolean }>()
  for (const { app, entitlement, from, until } of [...spans, ...kept]) {
    const revoked = decisions.filter((one) => one.verdict === 'revoke' && one.app === app && one.entitlement === entitlement && one.at > from).map(({ at }) => at)
    const denied = Math.min(Infinity, ...revoked)
    const end = Math.min(denied, until ?? Infinity)
    const begins = Math.max(from, begin)
    const name = key(app, entitlement)
    if (begins > now || end <= begins) continue
    if (end > now) desired.add(name)
    else if (end > (lapsed.get(name)?.at ?? -Infinity)) lapsed.set(name, { at: end, expired: end < denied })
  }
  return { desired, expired: new Set([...lapsed].filter(([name, { expired }]) => expired && !desired.has(name)).map(([name]) => name)) }
}

function place(world: World, app: string, of: WorldApp, account: WorldAccount): Placed {
  const own = `account/${app}/${account.id}`
  const grants = effective(of, account)
  const link = (relation: 'holder' | 'owner'): WorldIdentity | undefined => {
    const found = world.links.find((item) => item.app === app && item.account === account.id && item.relation === relation)
    return found && (world.identities.find(({ id }) => id === found.identity) ?? unknown(found.identity))
  }
  if (account.kind !== 'human') {
    const linked = link('owner')
    if (linked) return { app, account, home: own, identity: null, contested: false, contest: null, grants, owner: { state: 'owned', identity: linked } }
    const claim = account.owner === null || of.setting.ownerSpace === null ? null : claimants(world, of, of.setting.ownerSpace, account.owner, account.created)
    const owner: Placed['owner'] = claim === null ? { state: 'none', identity: null } : { state: claim.contest === null ? 'owned' : 'contested', identity: claim.identity }
    return { app, account, home: own, identity: null, contested: false, contest: claim?.contest ?? null, grants, owner }
  }
  const linked = link('holder')
  const claim = linked ? { identity: linked, contest: null } : firstClaim(world, of, account)
  const contest = claim?.contest ?? null
  const identity = claim?.identity ?? null
  return { app, account, home: identity === null ? own : `identity/${identity.id}`, identity, contested: contest !== null, contest, grants, owner: { state: 'owned', identity: null } }
}

/** A link wins, also one to an identity that nobody has told of: what that one should have has not begun, and nobody is accountable. */
const unknown = (id: string): WorldIdentity => ({ id, start: null, end: null, status: 'planned', continues: null, attributes: {}, keys: [] })

interface Claim {
  identity: WorldIdentity | null
  contest: Contest | null
}

function firstClaim(world: World, of: WorldApp, account: WorldAccount): Claim | null {
  for (const rule of of.setting.match) {
    const value = account.values[rule.attribute]
    const claim = value === undefined || value === '' ? null : claimants(world, of, rule.space, value, account.created)
    if (claim !== null) return claim
  }
  return null
}

/** Model worlds spell keys in lower-case ASCII, so that folding here is plain. */
function claimants(world: World, of: WorldApp, space: string, value: string, created: number | null): Claim | null {
  const wanted = value.trim().toLowerCase()
  const told = world.identities.flatMap((identity) =>
    identity.keys
      .filter((item) => item.space === space && item.key === wanted)
      .map((item) => ({ identity, since: item.since, until: item.until, live: item.until === null || item.until + of.setting.allowedDelaySeconds * 1_000 > world.now })),
  )
  const holding = told.filter(({ live }) => live).map(({ since }) => since)
  if (holding.length === 0) return null
  const lately = Math.max(...holding)
  // who has it, who had it before the last of these, and who had it when the account was made
  const rivals = told.filter(({ since, until, live }) => live || since < lately || (created !== null && since <= created && created < until!))
  const times = rivals.map(({ since }) => since)
  const only = (time: number): (typeof rivals)[number] | null => {
    const found = rivals.filter(({ since }) => since === time)
    return found.length === 1 && found[0]!.live ? found[0]! : null
  }
  const winner = only(Math.max(...times))
  if (winner !== null) {
    const before = chain(world, winner.identity)
    if ((created !== null && created >= winner.since) || rivals.every((one) => one === winner || before.includes(one.identity.id))) return { identity: winner.identity, contest: null }
  }
  const bothSince = rivals.flatMap((one) => rivals.flatMap((other) => (one.live && other !== one ? [Math.max(one.since, other.since)] : [])))
  return { identity: only(Math.min(...times))?.identity ?? null, contest: { candidates: rivals.map((one) => one.identity.id).sort(), since: Math.min(...bothSince) } }
}

function chain(world: World, identity: WorldIdentity): string[] {
  const ids: string[] = []
  for (let next = identity.continues; next !== null && !ids.includes(next); next = world.identities.find(({ id }) => id === next)?.continues ?? null) ids.push(next)
  return ids
}

/** Every entitlement that the account holds, by whatever way; each native id once. */
function effective(of: WorldApp, account: WorldAccount): Grant[] {
  const natives = new Map<string, boolean>()
  const visited = new Set<string>()
  const visit = (ref: Ref): void => {
    if (ref.kind === 'entitlement' && !natives.has(ref.id)) natives.set(ref.id, false)
    const name = `${ref.kind}:${ref.id}`
    if (visited.has(name)) return
    visited.add(name)
    for (const child of of.definitions[name] ?? []) visit(child)
  }
  account.memberships.forEach(visit)
  for (const id of account.grants) {
    visit({ kind: 'entitlement', id })
    natives.set(id, true)
  }
  return [...natives].map(([native, direct]) => {
    const name = of.setting.catalogue[native] ?? (of.setting.identityMapping ? native : undefined)
    return { entitlement: name ?? native, native, mapped: name !== undefined, direct }
  })
}

const dayMs = 86_400_000

function isStale(world: World, credential: WorldAccount['credentials'][number]): boolean {
  const { credentialMaxAgeDays, credentialUnusedDays } = world.policy
  const older = (at: number | null, days: number | null): boolean => at !== null && days !== null && at < world.now - days * dayMs
  return (credential.expires !== null && credential.expires <= world.now) || older(credential.created, credentialMaxAgeDays) || older(credential.lastUsed ?? credential.created, credentialUnusedDays)
}

function isDormant(world: World, account: { status: AccountStatus; lastUsed: number | null; created: number | null }): boolean {
  const since = account.lastUsed ?? account.created
  return account.status === 'active' && since !== null && world.policy.dormantAfterDays !== null && since < world.now - world.policy.dormantAfterDays * dayMs
}

function exposed({ owner, values, credentials }: WorldAccount): string[] {
  const texts = [['owner', owner], ...Object.entries(values).map(([name, value]) => [`values.${name}`, value]), ...credentials.map(({ id }) => ['credential.id', id])]
  return texts.flatMap(([field, text]) => (text?.startsWith('<secret') === true ? [field!] : []))
}

function unique(findings: ModelFinding[]): ModelFinding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}
