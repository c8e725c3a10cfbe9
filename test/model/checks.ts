import type { Finding, FindingKind } from '../../schemas/wire/results.ts'
import { entitle } from '../../processors/entitle/entitle.ts'
import { normalise } from '../../processors/normalise/normalise.ts'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import type { Output } from '../support/processor-driver.ts'
import { accessName, effectiveAccess, nameOf, openFindings } from './fold.ts'
import type { History } from './history.ts'
import { judge, type ModelFinding } from './model.ts'
import { Player } from './player.ts'
import type { Stages } from './topology.ts'

export const stages: Stages = { intent: entitle, raw: normalise, facts: reconcile }

/** Each check plays a history and answers what is wrong, a line each; nothing if all is well. */
export type Check = (history: History, stages: Stages) => string[]

/** What is open and what is held in the end are what the model says of the end. */
export const endsAsTheModelSays: Check = (history, stages) => {
  const player = new Player(history, { stages })
  player.play()
  return differences(player)
}

export function differences(player: Player): string[] {
  const { outputs } = player.topology
  const expected = judge(player.truth.final())
  // What lapsed and left no trace is history, which the model has none of.
  const spell = (finding: ModelFinding): string => nameOf(player.truth.steady || finding.kind !== 'expired-grant' ? finding : { ...finding, kind: 'unauthorised-grant' })
  return [
    ...difference('finding', expected.findings.map(spell), [...openFindings(outputs).values()].map(spell)),
    ...difference('access', expected.access.map(accessName), effectiveAccess(outputs).map(accessName)),
    ...contradictions([...openFindings(outputs).values()]),
  ]
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const missing = expected.filter((name) => !found.includes(name)).map((name) => `no ${what} ${name}`)
  const surplus = found.filter((name) => !expected.includes(name)).map((name) => `unexpected ${what} ${name}`)
  return [...new Set([...missing, ...surplus])].sort()
}

/** Exactly one says whose the account is not, and what nobody answers for is not told grant by grant. */
function contradictions(open: readonly Finding[]): string[] {
  const subject = ({ app, account, home }: Finding): string => `${home} ${app}/${account}`
  const whose = open.filter(({ kind }) => ['orphaned-account', 'unowned-nhi', 'ambiguous-match'].includes(kind))
  const twice = whose.filter((one) => whose.some((other) => other !== one && subject(other) === subject(one)))
  const grants: FindingKind[] = ['unauthorised-grant', 'expired-grant', 'unmapped-entitlement']
  const alone = open.filter((one) => grants.includes(one.kind) && whose.some((other) => other.kind !== 'ambiguous-match' && subject(other) === subject(one)))
  return [...twice, ...alone].map((finding) => `${nameOf(finding)} beside another finding of whose account it is`)
}

export const kindsIn = (outputs: readonly Output[]): FindingKind[] => outputs.flatMap(({ record }) => (record.type === 'Finding' ? [record.kind] : []))
