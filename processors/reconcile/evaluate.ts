import type { GrantVerdict } from '../../schemas/wire/results.ts'
import { judgeAccountAtHome } from './account-findings.ts'
import { Horizon } from './horizon.ts'
import { homeFindings } from './identity-findings.ts'
import { waitsOf } from './lag.ts'
import type { HomeView, Rules, Wait, Wanted } from './model.ts'
import { Holdings, lacking, missingAt, overstaying, standingOf, type Missing, type Overstaying, type Standing } from './standing.ts'

/**
 * `verdicts[i][j]` is that of grant j of account i. `due`: when to evaluate again if nothing else happens, ms.
 * `standing`, `held`, `missing` and `overstayed` are what it was judged by.
 */
export interface Evaluation {
  wanted: Wanted[]
  verdicts: (readonly GrantVerdict[])[]
  waits: Wait[]
  due: number | null
  standing: Standing
  held: Holdings
  missing: readonly Missing[]
  overstayed: readonly Overstaying[]
}

/**
 * What holds at a home now: a pure function of its facts and of the rules, whatever came before. `undecided` false: where nothing is open,
 * some of what is not decided is left out of `wanted`, since it would only keep what is open.
 */
export function evaluate(view: HomeView, rules: Rules, undecided = true): Evaluation {
  const horizon = new Horizon(rules.now)
  const standing = standingOf(view)
  const held = new Holdings(view.accounts.filter(({ fact }) => rules.app(fact.app) !== null))
  const missing = missingAt(lacking(standing.home, held), standing, held)
  const overstayed = overstaying(standing, held)
  const accounts = view.accounts.map((row) => judgeAccountAtHome(view.home, row, view.desired, standing, rules, horizon))
  const wanted = [...accounts.flatMap((account) => account.wanted), ...homeFindings(view, missing, held, rules, horizon, undecided)]
  const waits = waitsOf(missing, overstayed, rules, horizon)
  const verdicts = accounts.map(({ judged }) => judged.verdicts)
  return { wanted, verdicts, waits, due: horizon.next, standing, held, missing, overstayed }
}
