import type { LapsedEntry } from '../../schemas/wire/common.ts'
import type { FactGrant } from '../../schemas/wire/facts.ts'
import type { GrantVerdict } from '../../schemas/wire/results.ts'
import type { Horizon } from './horizon.ts'
import type { AccountState, AppRules, Rules } from './model.ts'
import { entitlementKey, type Standing } from './standing.ts'

export type GrantFindingKind = 'unauthorised-grant' | 'expired-grant' | 'unmapped-entitlement'

/** `finding`: what the grant would open on an active account; `decided` false: it waits for a baseline. */
export interface Judgement {
  verdict: GrantVerdict
  finding: GrantFindingKind | null
  decided: boolean
  lapse: LapsedEntry | null
}

/** One judgement for each grant of the account, in their order. */
export function judgeAccount(fact: AccountState, standing: Standing, app: AppRules | null, rules: Rules, horizon: Horizon): Judgement[] {
  if (app === null) return fact.grants.map(() => quiet('undecided'))
  const direct = new Set(fact.grants.filter((grant) => grant.mapped && grant.direct).map((grant) => grant.entitlement))
  const ready = rules.desiredReady && rules.keysReady
  return fact.grants.map((grant) => judge(grant, fact.app, direct, standing, app.delayMs, ready, rules.keysReady, horizon))
}

function judge(
  grant: FactGrant, app: string, direct: ReadonlySet<string>, standing: Standing, delayMs: number, ready: boolean, keysReady: boolean,
  horizon: Horizon,
): Judgement {
  const { endedAt } = standing
  if (endedAt !== null && horizon.reached(endedAt + delayMs)) return quiet('unauthorised')
  if (!grant.mapped) return { verdict: 'undecided', finding: 'unmapped-entitlement', decided: keysReady, lapse: null }
  const key = entitlementKey(app, grant.entitlement)
  if (standing.entries.has(key)) return quiet(direct.has(grant.entitlement) ? 'matched' : 'matched-indirectly')
  const lapse = standing.lapsed.get(key) ?? null
  if (lapse !== null && isAllowed(lapse, standing, delayMs, horizon)) return quiet(ready ? 'pending' : 'undecided')
  return {
    verdict: ready ? 'unauthorised' : 'undecided',
    finding: lapse?.why === 'expired' ? 'expired-grant' : 'unauthorised-grant',
    decided: ready,
    lapse,
  }
}

/** Inside the allowed delay; what lapsed because the identity ended has until the account itself becomes leaver access. */
function isAllowed(lapse: LapsedEntry, standing: Standing, delayMs: number, horizon: Horizon): boolean {
  if (lapse.why === 'ended' && standing.endedAt !== null) return true
  return !horizon.reached(lapse.at + delayMs)
}

function quiet(verdict: GrantVerdict): Judgement {
  return { verdict, finding: null, decided: true, lapse: null }
}
