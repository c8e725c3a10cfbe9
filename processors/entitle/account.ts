import type { AccountLink } from '../../schemas/wire/intent.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { equal } from '../../src/core/equal.ts'
import { accountHome, accountKey } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import { requested } from './claims.ts'
import type { KeptEntry, KeptLapse } from './compile.ts'
import { compile } from './compile.ts'
import type { SaidOf, Told } from './objects.ts'
import { changeTimeOf, isOf } from './objects.ts'
import type { Scope } from './scope.ts'
import type { Change } from './subject.ts'
import { contentOfAccess, sourcesOf, wireEntries, wireLapses, wireRevocations } from './subject.ts'
import { unlimited } from './tenure.ts'

type LinkTold = Told<SaidOf<'AccountLink'>>

/** What the state keeps of what is said about an account. */
interface AccountRow {
  entries: KeptEntry[]
  lapsed: KeptLapse[]
  /** of what was published last, or null */
  published: string | null
  /** the timer that is set, ms */
  dueMs: number | null
}

const noAccess: AccountRow = { entries: [], lapsed: [], published: null, dueMs: null }

/** Derives what governance says about one account, and tells raw where it says something else than before. */
export function refreshAccount(scope: Scope, app: string, id: string, change: Change): void {
  const { context, objects, timers } = scope
  const home = accountHome(app, id)
  const rows = objects.about(home)
  const row = context.state.get<AccountRow>('accounts', home) ?? noAccess
  const links = rows.flatMap(([key, object]) => (isOf(object, 'AccountLink') ? [[key, object] as const] : []))
  const holder = linkInForce(links, 'holder')
  const owner = linkInForce(links, 'owner')
  const said = requested(rows)
  const { nextDueMs, ...access } = compile({
    tenure: unlimited, ...said, now: context.now, changedAt: change.at, entries: row.entries, lapsed: row.lapsed,
  })
  const { entries, lapsed, revoked } = access
  const link = holder?.record.identity ?? null
  const ownerId = owner?.record.identity ?? null
  const content = digest(canonical([link, ownerId, contentOfAccess(access)]))
  const saysNothing = link === null && ownerId === null && entries.length + lapsed.length + revoked.length === 0
  const next: AccountRow = { entries, lapsed, published: saysNothing && row.published === null ? null : content, dueMs: nextDueMs }
  timers.set(home, row.dueMs, nextDueMs)
  if (!equal(next, row)) context.state.put('accounts', home, next)
  if (next.published === row.published) return
  const linkSources = [holder, owner].flatMap((found) => (found === undefined ? [] : [found.source]))
  context.emit('raw', accountKey(app, id), {
    type: 'AccountIntent', app, id, link, owner: ownerId, entries: wireEntries(entries), lapsed: wireLapses(lapsed),
    revoked: wireRevocations(revoked), sources: sourcesOf(linkSources, access), cause: context.position,
  })
}

/** Of several that contradict each other the one that was made last. */
function linkInForce(links: readonly (readonly [string, LinkTold])[], relation: AccountLink['relation']): LinkTold | undefined {
  return links
    .filter(([, { record }]) => record.relation === relation)
    .sort(([a, x], [b, y]) => changeTimeOf(y.record) - changeTimeOf(x.record) || compareKeys(a, b))[0]?.[1]
}
