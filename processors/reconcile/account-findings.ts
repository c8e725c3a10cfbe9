import type { Credential, Position } from '../../schemas/wire/common.ts'
import type { FindingKind } from '../../schemas/wire/results.ts'
import { identityOf, isIdentityHome } from '../../src/core/keys.ts'
import {
  contestedDetail, dormantDetail, exposedDetail, leaverDetail, orphanedDetail, staleDetail, strangersDetail, unauthorisedDetail, unmappedDetail, unownedDetail, type Stale,
} from './detail.ts'
import { grantSince } from './grants.ts'
import type { Horizon } from './horizon.ts'
import type { AccountRow, AppRules, DesiredRow, Rules, Wanted } from './model.ts'
import { arePeopleKnown } from './rules.ts'
import { severityOf } from './severity.ts'
import { rightsAt, type Standing } from './standing.ts'
import { judgeAccount, undecided, type Judged, type Judgement } from './verdicts.ts'

const DAY_MS = 86_400_000

interface Case {
  row: AccountRow
  rules: Rules
  causes: Position[]
}

/** What one account of a home wants opened, and a verdict for each of its grants. Nothing is judged of an app without a setting. */
export function judgeAccountAtHome(
  home: string, row: AccountRow, desired: DesiredRow | null, standing: Standing, rules: Rules, horizon: Horizon,
): { wanted: Wanted[]; judged: Judged } {
  const app = rules.app(row.fact.app)
  const judged = judgeAccount(row.fact, rightsAt(standing, row.fact), app, rules, horizon)
  if (app === null) return { wanted: [], judged }
  const atIdentity = isIdentityHome(home)
  const of: Case = { row, rules, causes: atIdentity && desired !== null ? [row.position, desired.position] : [row.position] }
  const wanted = [...staleCredentials(of, horizon), ...dormancy(of, horizon), ...exposedSecrets(of)]
  if (!atIdentity) {
    const whose = whoseIsIt(of)
    if (whose !== null) wanted.push(whose)
    if (whose !== null && row.fact.kind === 'human' && row.fact.match === 'contested') {
      // Whose desires would it be judged by? One finding asks that; its grants have no verdict until it is answered.
      return { wanted, judged: undecided(judged) }
    }
    if (whose !== null && whose.kind !== 'ambiguous-match') return { wanted, judged }
  } else if (row.fact.match === 'contested') {
    wanted.push(contested(of, 'holder'))
  } else if (row.fact.match === 'linked' && desired === null) {
    // whom keys name is known; a link may name anybody
    return { wanted: [...wanted, want(of, 'orphaned-account', { detail: strangersDetail(row.fact, identityOf(home)), decided: arePeopleKnown(rules) })], judged }
  }
  if (row.fact.status !== 'active') return { wanted, judged }
  const leaver = atIdentity && desired !== null ? leaverAccess(of, desired, app, horizon) : null
  return { wanted: leaver === null ? [...wanted, ...grantFindings(of, judged)] : [...wanted, leaver], judged }
}

/** At an account's own home: exactly one of contested, orphaned and unowned, or none where somebody is accountable. */
function whoseIsIt(of: Case): Wanted | null {
  const { fact } = of.row
  const decided = arePeopleKnown(of.rules)
  if (fact.kind === 'human') {
    if (fact.match === 'contested') return contested(of, 'holder')
    return want(of, 'orphaned-account', { detail: orphanedDetail(fact), decided })
  }
  if (fact.ownerState === 'contested') return contested(of, 'owner')
  return fact.ownerState === 'none' ? want(of, 'unowned-nhi', { detail: unownedDetail(fact), decided }) : null
}

/** One more claimant, or a link, may settle it: decided once all of them are known. Older releases did not tell since when it has been so. */
function contested(of: Case, relation: 'holder' | 'owner'): Wanted {
  const { fact } = of.row
  const began = Math.max(fact.since, fact.contestedSince ?? fact.since)
  return want(of, 'ambiguous-match', { detail: contestedDetail(fact, relation, fact.candidates), decided: of.rules.keysReady, began })
}

function leaverAccess(of: Case, desired: DesiredRow, app: AppRules, horizon: Horizon): Wanted | null {
  const { endedAt, identity } = desired
  if (endedAt === null || !horizon.reached(endedAt + app.delayMs)) return null
  const { fact } = of.row
  const detail = leaverDetail(fact, identity, endedAt)
  return want(of, 'leaver-access', { detail, decided: of.rules.keysReady, began: Math.max(fact.since, endedAt), valid: endedAt })
}

/** One finding for each entitlement, however many native permissions stand behind its name. */
function grantFindings(of: Case, { judgements, isQuiet }: Judged): Wanted[] {
  if (isQuiet) return []
  const byName = new Map<string, Wanted>()
  of.row.fact.grants.forEach((grant, i) => {
    const judgement = judgements[i]!
    if (judgement.finding === null) return
    const key = `${judgement.finding}/${grant.entitlement}`
    const wanted = grantFinding(of, i, judgement, judgement.finding)
    const other = byName.get(key)
    if (other === undefined || (wanted.age ?? 0) < (other.age ?? 0)) byName.set(key, wanted)
  })
  return [...byName.values()]
}

function grantFinding(of: Case, i: number, { lapse, decided }: Judgement, kind: FindingKind): Wanted {
  const { fact } = of.row
  const grant = fact.grants[i]!
  const since = grantSince(fact, i)
  const detail = kind === 'unmapped-entitlement' ? unmappedDetail(fact, grant.native) : unauthorisedDetail(fact, grant.entitlement, lapse)
  const began = lapse === null ? since : Math.max(since, lapse.at)
  return want(of, kind, { entitlement: grant.entitlement, detail, began, decided, valid: grant.valid })
}

function staleCredentials(of: Case, horizon: Horizon): Wanted[] {
  return of.row.fact.credentials.flatMap((credential) => {
    const stale = staleness(credential, of.rules, horizon)
    if (stale === null) return []
    const began = Math.max(of.row.fact.since, stale.at + stale.days * DAY_MS)
    return [want(of, 'stale-credential', { object: credential.id, detail: staleDetail(of.row.fact, credential, stale), began })]
  })
}

function staleness({ expires, created, lastUsed }: Credential, { policy }: Rules, horizon: Horizon): Stale | null {
  if (expires !== null && horizon.reached(expires)) return { why: 'expired', at: expires, days: 0 }
  const old = policy.credentialMaxAgeDays
  if (old !== null && created !== null && horizon.reached(created + old * DAY_MS)) return { why: 'old', at: created, days: old }
  const unused = policy.credentialUnusedDays
  const used = lastUsed ?? created
  if (unused === null || used === null || !horizon.reached(used + unused * DAY_MS)) return null
  return { why: lastUsed === null ? 'never-used' : 'unused', at: used, days: unused }
}

function dormancy(of: Case, horizon: Horizon): Wanted[] {
  const { fact } = of.row
  const days = of.rules.policy.dormantAfterDays
  const used = fact.lastUsed ?? fact.created
  if (fact.status !== 'active' || days === null || used === null) return []
  const at = used + days * DAY_MS
  if (!horizon.reached(at)) return []
  return [want(of, 'dormant-account', { detail: dormantDetail(fact, fact.lastUsed, used, days), began: Math.max(fact.since, at) })]
}

/** One for each field: what an account shows is no less exposed where the account is disabled or nobody's. */
function exposedSecrets(of: Case): Wanted[] {
  const { fact } = of.row
  return (fact.exposed ?? []).map((field) => want(of, 'exposed-secret', { object: field, detail: exposedDetail(fact, field) }))
}

interface Particulars {
  detail: string
  entitlement?: string
  object?: string
  decided?: boolean
  /** since when the condition can have held; the account's own age unless told */
  began?: number
  valid?: number | null
}

function want({ row, rules, causes }: Case, kind: FindingKind, particulars: Particulars): Wanted {
  const { fact, moved } = row
  return {
    kind,
    app: fact.app,
    account: fact.account,
    entitlement: particulars.entitlement ?? null,
    object: particulars.object ?? null,
    severity: severityOf(kind, rules.policy),
    detail: particulars.detail,
    decided: particulars.decided ?? true,
    age: moved ? (particulars.began ?? fact.since) : null,
    valid: particulars.valid === undefined ? fact.valid : particulars.valid,
    observed: Math.floor(fact.observed / 1_000),
    causes,
  }
}
