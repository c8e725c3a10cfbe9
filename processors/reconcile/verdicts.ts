import type { LapsedEntry } from '../../schemas/wire/common.ts'
import type { FactGrant } from '../../schemas/wire/facts.ts'
import type { GrantVerdict } from '../../schemas/wire/results.ts'
import type { Horizon } from './horizon.ts'
import type { AccountState, AppRules, Planned, Rules } from './model.ts'
import { arePeopleKnown } from './rules.ts'
import { PairMemo } from '../shared/memo.ts'
import { entitlementKey, type Rights } from './standing.ts'
import { allVerdicts } from './stored.ts'

type GrantFindingKind = 'unauthorised-grant' | 'expired-grant' | 'unmapped-entitlement'

/** `finding`: what the grant would open on an active account; `decided` false: it waits for a baseline. */
export interface Judgement {
  verdict: GrantVerdict
  finding: GrantFindingKind | null
  decided: boolean
  lapse: LapsedEntry | null
}

/** One judgement and verdict for each grant of the account, in their order. `isQuiet`: none of them would open anything. */
export interface Judged {
  judgements: readonly Judgement[]
  verdicts: readonly GrantVerdict[]
  isQuiet: boolean
}

/** Without an end and lapses nothing of it depends on time, and it is the same wherever grants and plan are the same. */
export function judgeAccount(fact: AccountState, rights: Rights, app: AppRules | null, rules: Rules, horizon: Horizon): Judged {
  const { endedAt, lapsed, plan } = rights
  const judged = (): Judged => judgedOf(judgements(fact, rights, app, rules, horizon))
  if (app === null || endedAt !== null || lapsed.size > 0) return judged()
  return timeless.of(plan, fact.grants, `${rules.desiredReady}/${rules.keysReady}/${fact.app}`, judged)
}

const timeless = new PairMemo<readonly Planned[], readonly FactGrant[], Judged>()

function judgedOf(judgements: readonly Judgement[]): Judged {
  const verdicts = allVerdicts.of(judgements.map(({ verdict }) => verdict))
  return { judgements, verdicts, isQuiet: judgements.every(({ finding }) => finding === null) }
}

/** The same grants, without a verdict. */
export const undecided = ({ judgements }: Judged): Judged => judgedOf(judgements.map((judgement) => ({ ...judgement, verdict: 'undecided' })))

function judgements(fact: AccountState, rights: Rights, app: AppRules | null, rules: Rules, horizon: Horizon): Judgement[] {
  if (app === null) return fact.grants.map(() => quiet('undecided'))
  const direct = new Set(fact.grants.filter((grant) => grant.mapped && grant.direct).map((grant) => grant.entitlement))
  const ready = arePeopleKnown(rules)
  return fact.grants.map((grant) => judge(grant, fact.app, direct, rights, app.delayMs, ready, rules.keysReady, horizon))
}

function judge(
  grant: FactGrant, app: string, direct: ReadonlySet<string>, rights: Rights, delayMs: number, ready: boolean, keysReady: boolean,
  horizon: Horizon,
): Judgement {
  const { endedAt } = rights
  if (endedAt !== null && horizon.reached(endedAt + delayMs)) return quiet('unauthorised')
  if (!grant.mapped) return { verdict: 'undecided', finding: 'unmapped-entitlement', decided: keysReady, lapse: null }
  const key = entitlementKey(app, grant.entitlement)
  if (rights.entries.has(key)) return quiet(direct.has(grant.entitlement) ? 'matched' : 'matched-indirectly')
  const lapse = rights.lapsed.get(key) ?? null
  if (lapse !== null && isAllowed(lapse, rights, delayMs, horizon)) return quiet(ready ? 'pending' : 'undecided')
  return {
    verdict: ready ? 'unauthorised' : 'undecided',
    finding: lapse?.why === 'expired' ? 'expired-grant' : 'unauthorised-grant',
    decided: ready,
    lapse,
  }
}

/** Inside the allowed delay; what lapsed because the identity ended has until the account itself becomes leaver access. */
function isAllowed(lapse: LapsedEntry, rights: Rights, delayMs: number, horizon: Horizon): boolean {
  if (lapse.why === 'ended' && rights.endedAt !== null) return true
  return !horizon.reached(lapse.at + delayMs)
}

function quiet(verdict: GrantVerdict): Judgement {
  return { verdict, finding: null, decided: true, lapse: null }
}
