import type { Loss } from '../../schemas/wire/actions.ts'
import type { Operation, OperationName } from '../../schemas/wire/operations.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import { compareKeys } from '../../src/core/order.ts'
import { refOf } from './assigned.ts'
import type { AccountState, AppRules, DesiredRow, FindingKey, HomeView } from './model.ts'
import { entitlementKey, rightsAt, type Rights, type Standing } from './standing.ts'

/** What would correct a finding. `obstacle`: why nothing can be written, then there are no operations. */
export interface Plan {
  operations: Operation[]
  loses: Loss[]
  obstacle: string | null
}

/**
 * The operations that correct a finding, at the node where the access comes from; null for kinds that nothing in the application can
 * correct, and where nothing is left to do there: a disabled account may still be nobody's. A conflict of duties is among these: what is
 * desired is never revoked, its intent has to change. What is taken away because of whose the account is waits until that is settled.
 */
export function planOf(finding: FindingKey, view: HomeView, standing: Standing, app: AppRules): Plan | null {
  const account = view.accounts.find(({ fact }) => fact.app === finding.app && fact.account === finding.account)?.fact
  switch (finding.kind) {
    case 'unauthorised-grant':
    case 'expired-grant':
      return account === undefined ? null : unsettled([account]) ?? revokeGrant(account, finding.entitlement ?? '', rightsAt(standing, account))
    case 'leaver-access':
      return account === undefined ? null : unsettled([account]) ?? plan([operation('disable-account', account), ...revokes(account, assignmentsOf(account))])
    case 'dormant-account':
    case 'orphaned-account':
      return account?.status !== 'active' ? null : plan([operation('disable-account', account)])
    case 'stale-credential':
      return account === undefined ? null : plan([staleCredential(account, finding.object, app)])
    case 'missing-grant':
      return grantMissing(finding, view, app)
    default:
      return null
  }
}

const plan = (operations: Operation[], loses: Loss[] = []): Plan => ({ operations, loses, obstacle: null })
const impossible = (obstacle: string): Plan => ({ operations: [], loses: [], obstacle })

/** Null where one of the accounts is surely this person's; otherwise nothing is written, since it may be somebody else's. */
function unsettled(accounts: readonly AccountState[]): Plan | null {
  const [first] = accounts
  if (first === undefined || accounts.some(({ match }) => match !== 'contested')) return null
  return impossible(`account ${first.account} in ${first.app} is claimed by ${first.candidates.join(', ')}: link it to the one whose it is`)
}

function operation(name: OperationName, account: AccountState, more: Partial<Operation> = {}): Operation {
  return { name, account: account.native, ref: null, credential: null, attributes: {}, ...more }
}

/** The credential is put out of use, or replaced as it was seen: when it was made and ends tells it from the one that follows it. */
function staleCredential(account: AccountState, credential: string | null, { corrections }: AppRules): Operation {
  if (corrections?.staleCredential !== 'rotate') return operation('disable-credential', account, { credential })
  const seen = account.credentials.find(({ id }) => id === credential)
  const dates = { created: seen?.created ?? null, expires: seen?.expires ?? null }
  const attributes = Object.fromEntries(Object.entries(dates).flatMap(([name, at]) => (at === null ? [] : [[name, String(at)]])))
  return operation('rotate-credential', account, { credential, attributes })
}

const revokes = (account: AccountState, refs: readonly Ref[]): Operation[] => refs.map((ref) => operation('revoke', account, { ref }))

/** Every direct assignment that the entitlement comes by is cut; what else comes by these alone is lost with it. */
function revokeGrant(account: AccountState, entitlement: string, { entries }: Rights): Plan {
  const cut = new Set(account.grants.filter((grant) => grant.entitlement === entitlement).flatMap(waysOf))
  const isLost = (grant: AccountState['grants'][number]): boolean => waysOf(grant).every((way) => cut.has(way))
  const others = account.grants.filter((grant) => grant.entitlement !== entitlement)
  const names = [...new Set(others.filter(isLost).map((grant) => grant.entitlement))]
  const kept = new Set(others.filter((grant) => !isLost(grant)).map((grant) => grant.entitlement))
  const loses = names.filter((name) => !kept.has(name)).sort(compareKeys)
    .map((name) => ({ entitlement: name, desired: entries.has(entitlementKey(account.app, name)) }))
  return plan(revokes(account, refsOf(cut)), loses)
}

const assignmentsOf = (account: AccountState): Ref[] => refsOf(new Set(account.grants.flatMap(waysOf)))
const refsOf = (ways: ReadonlySet<string>): Ref[] => [...ways].sort(compareKeys).map(refOf)

/** The direct assignments that a grant comes by: its own entitlement where it is direct, the first step of each path otherwise. */
function waysOf({ native, paths }: AccountState['grants'][number]): string[] {
  return paths.map((path) => path[0] ?? `entitlement:${native}`)
}

class Unfilled {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A text with its names replaced, or the first of them that nothing is known of. */
function fill(text: string, { identity, display, keys }: DesiredRow): string | Unfilled {
  let filled = ''
  let at = 0
  for (const match of text.matchAll(/\{([^{}]*)\}/gu)) {
    const name = match[1]!
    const value = name === 'identity' ? identity : name === 'display' ? display : keyOf(name, keys)
    if (value === null) return new Unfilled(name)
    filled += text.slice(at, match.index) + value
    at = match.index + match[0].length
  }
  return filled + text.slice(at)
}

function keyOf(name: string, keys: Readonly<Record<string, string>>): string | null {
  const isLocal = name.endsWith('.local')
  const space = isLocal ? name.slice(0, -'.local'.length) : name
  const key = Object.hasOwn(keys, space) ? keys[space]! : null
  return key === null || !isLocal ? key : key.split('@', 1)[0]!
}

function grantMissing({ app, account, entitlement }: FindingKey, { accounts, home, desired }: HomeView, rules: AppRules): Plan {
  const ref = rules.corrections?.assigned(entitlement ?? '') ?? null
  if (ref === null) return impossible(`the catalogue of ${app ?? '?'} has no native permission for ${entitlement ?? '?'}: add one, or name a role in corrections.assign`)
  const there = accounts.map(({ fact }) => fact).filter((fact) => fact.app === app && (account === null || fact.account === account))
  const contested = unsettled(there)
  if (contested !== null) return contested
  const own = there.filter(({ match }) => match !== 'contested')
  const active = own.find(({ status }) => status === 'active')
  if (active !== undefined) return plan([operation('grant', active, { ref })])
  const [disabled] = own
  if (disabled !== undefined) return plan([operation('enable-account', disabled), operation('grant', disabled, { ref })])
  const made = rules.corrections?.newAccount ?? null
  if (desired === null || made === null) return impossible(`${home} has no account in ${app ?? '?'} yet: create one there, or say in remedy.newAccount how`)
  const filled = [made.id, ...Object.values(made.attributes)].map((text) => fill(text, desired))
  const unfilled = filled.find((text) => text instanceof Unfilled)
  if (unfilled !== undefined) return impossible(`an account of ${home} in ${app ?? '?'} can't be named: ${unfilled.name} is not known of this person`)
  const [name = '', ...values] = filled as string[]
  const attributes = Object.fromEntries(Object.keys(made.attributes).map((name, i) => [name, values[i]!]))
  const about = { account: name, credential: null }
  return plan([{ ...about, name: 'create-account', ref: null, attributes }, { ...about, name: 'grant', ref, attributes: {} }])
}
