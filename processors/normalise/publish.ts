import type { AccountGone, AccountFact, Reference } from '../../schemas/wire/facts.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { equal } from '../../src/core/equal.ts'
import type { AccountRow, Published } from './account.ts'
import { accountClasses, facetOf, lastObserved, splitKey } from './account.ts'
import { saysTheSame } from './content.ts'
import { derive, grantsOf } from './derive.ts'
import { keepMet } from './intent.ts'
import { lagsBehind } from './lagging.ts'
import type { Scope } from './scope.ts'
import { forgetShown } from './shown.ts'
import { accountOf, deleteAccount, putAccount } from './stored.ts'
import { setWatches } from './watch.ts'

/**
 * Derives the account anew, tells facts what is different, and stores the row where it is not as it was before (`before` is what
 * the state holds, if anything). `stamp`: of the observation that may show new grants.
 */
export function publish(scope: Scope, key: string, before: AccountRow | undefined, row: AccountRow, stamp: number): void {
  const { app, id } = splitKey(key)
  const grants = grantsOf(scope, app, row, stamp)
  const setting = scope.settings.app(app)
  let after: AccountRow = { ...row, held: grants.held }
  if (setting !== undefined && row.attributes !== null) {
    const derived = derive(scope, app, id, { ...row, attributes: row.attributes }, grants, setting)
    const { watches, due } = derived.ownership
    setWatches(scope.context.state, key, row.watches, watches)
    scope.claimTimers.set(key, row.due, due)
    const home = tellFact(scope, row.published, derived.fact, derived.content)
    const reference = tellReference(scope, row.published?.reference ?? null, derived.fact, derived.accountable)
    after = { ...after, watches, due, published: { ...home, reference } }
  }
  if (before === undefined || !equal(before, after)) putAccount(scope.context.state, key, after)
}

/** The account is no more: its home and whoever was accountable hear of it, and nothing of it stays. */
export function remove(scope: Scope, key: string, row: AccountRow, reason: 'deleted' | 'retired', observed: number): void {
  const { context, runs } = scope
  const { app, id } = splitKey(key)
  if (row.published !== null) {
    tellGone(scope, app, id, row.published.home, reason, null, observed)
    if (row.published.reference !== null) takeBack(scope, app, id, row, row.published.reference.home)
  }
  setWatches(context.state, key, row.watches, [])
  scope.claimTimers.set(key, row.due, null)
  for (const name of accountClasses) if (facetOf(row, name) !== null) runs.hold(app, name, -1)
  runs.dropOrdinal(app, 'accounts', row.ordinal)
  deleteAccount(context.state, key)
  keepMet(context.state, key)
  forgetShown(context.state, app, row.ordinal)
}

function tellFact(scope: Scope, before: Published | null, fact: AccountFact, content: string): Omit<Published, 'reference'> {
  const { context } = scope
  if (before !== null && before.home !== fact.home) {
    tellGone(scope, fact.app, fact.account, before.home, 'moved', fact.home, fact.observed)
    context.emit('facts', fact.home, { ...fact, movedFrom: before.home })
  } else if (before === null || !saysTheSame(before.content, fact, content)) {
    context.emit('facts', fact.home, fact)
  }
  return { home: fact.home, content }
}

function tellGone(
  { context }: Scope,
  app: string,
  account: string,
  home: string,
  reason: AccountGone['reason'],
  to: string | null,
  observed: number,
): void {
  const { position: cause } = context
  context.emit('facts', home, { type: 'AccountGone', home, app, account, reason, to, observed, sources: [cause], cause })
}

function tellReference(
  scope: Scope,
  before: Published['reference'],
  fact: AccountFact,
  home: string | null,
): Published['reference'] {
  const { app, account, kind, status, display, sources, cause } = fact
  const told = { app, account, kind, status, display }
  if (before !== null && before.home !== home) {
    scope.context.emit('facts', before.home, { type: 'Reference', home: before.home, ...told, removed: true, sources, cause })
  }
  if (home === null) return null
  const content = digest(canonical(told))
  if (before === null || before.home !== home || before.digest !== content) {
    scope.context.emit('facts', home, { type: 'Reference', home, ...told, removed: false, sources, cause })
  }
  return { home, digest: content }
}

function takeBack({ context }: Scope, app: string, account: string, row: AccountRow, home: string): void {
  if (row.attributes === null) return
  const { kind, status, display } = row.attributes.content
  const { position } = context
  const reference: Reference = {
    type: 'Reference', home, app, account, kind, status, display, removed: true, sources: [position], cause: position,
  }
  context.emit('facts', home, reference)
}

/** Derives an account that the state holds; nothing where it holds none. What definitions show that it lags behind is held since their stamp. */
export function rederive(scope: Scope, key: string): void {
  const row = accountOf(scope.context.state, key)
  if (row === undefined) return
  const lag = lagsBehind(scope, splitKey(key).app, key)
  publish(scope, key, row, row, lag?.stamp ?? lastObserved(row))
}

/** The account before something new is observed of it: derived by all that is in force. */
export function currentAccount(scope: Scope, app: string, key: string): AccountRow | undefined {
  if (lagsBehind(scope, app, key) !== undefined) rederive(scope, key)
  return accountOf(scope.context.state, key)
}
