import type { Finding } from '../../schemas/wire/results.ts'
import type { Output } from '../support/processor-driver.ts'
import type { AccountFact } from '../../schemas/wire/facts.ts'
import type { ModelAccess, ModelContest, ModelFinding } from './model.ts'

/** What whoever reads the outputs from the beginning holds in the end. */

/** Open findings by id, each as it was told last. Throws where the changes of a finding don't follow from each other. */
export function openFindings(outputs: readonly Output[]): Map<string, Finding> {
  const open = new Map<string, Finding>()
  const closed = new Map<string, number>()
  for (const { record } of outputs) {
    if (record.type !== 'Finding') continue
    const { id, change, since } = record
    const expected = open.has(id) ? ['changed', 'closed'] : closed.has(id) ? ['reopened'] : ['opened']
    if (!expected.includes(change)) throw new Error(`finding ${id} (${record.kind} at ${record.home}) ${change}, expected ${expected.join(' or ')}`)
    const first = open.get(id)?.since ?? closed.get(id)
    if (first !== undefined && first !== since) throw new Error(`finding ${id} (${record.kind} at ${record.home}) since ${since}, first since ${first}`)
    if (change !== 'closed') open.set(id, record)
    else {
      open.delete(id)
      closed.set(id, since)
    }
  }
  return open
}

export const nameOf = ({ kind, home, app, account, entitlement, object }: ModelFinding): string =>
  [kind, home, app, account, entitlement, object].map((field) => field ?? '-').join(' ')

/** The last fact of each account that several claim. */
export function contestedFacts(outputs: readonly Output[]): AccountFact[] {
  const facts = new Map<string, AccountFact>()
  for (const { record } of outputs) {
    if (record.type === 'AccountFact') facts.set(`${record.app}/${record.account}`, record)
    // one that moves is told at its new home next
    if (record.type === 'AccountGone') facts.delete(`${record.app}/${record.account}`)
  }
  return [...facts.values()].filter(({ candidates }) => candidates.length > 0)
}

export const contestName = ({ app, account, candidates, since }: ModelContest): string => `${app}/${account} by ${candidates.join(', ')} since ${since}`

/** Effective access by account and entitlement. Throws where an account has access at two homes. */
export function effectiveAccess(outputs: readonly Output[]): ModelAccess[] {
  const accounts = new Map<string, Map<string, ModelAccess[]>>()
  const homes = new Map<string, string>()
  for (const { record } of outputs) {
    if (record.type !== 'AccessChange') continue
    const { home, app, account } = record
    const name = JSON.stringify([home, app, account])
    if (record.gone) {
      if (!accounts.delete(name)) throw new Error(`${app}/${account} is gone from ${home}, where it was not`)
      continue
    }
    const grants = accounts.get(name) ?? new Map<string, ModelAccess[]>()
    for (const entitlement of [...record.removed, ...record.set.map((grant) => grant.entitlement)]) grants.delete(entitlement)
    for (const { entitlement, native, verdict, direct } of record.set) {
      const access = { home, app, account, entitlement, native, verdict, direct }
      grants.set(entitlement, [...(grants.get(entitlement) ?? []), access])
    }
    accounts.set(name, grants)
  }
  for (const name of accounts.keys()) {
    const [home, app, account] = JSON.parse(name) as [string, string, string]
    const other = homes.get(`${app}/${account}`)
    if (other !== undefined) throw new Error(`${app}/${account} is at ${other} and at ${home}`)
    homes.set(`${app}/${account}`, home)
  }
  return [...accounts.values()].flatMap((grants) => [...grants.values()].flat())
}

export const accessName = ({ home, app, account, entitlement, native, verdict, direct }: ModelAccess): string =>
  `${home} ${app}/${account} ${entitlement} (${native}) ${verdict}${direct ? ' direct' : ''}`
