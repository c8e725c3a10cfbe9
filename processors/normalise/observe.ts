import type { AppSetting } from '../../schemas/settings.ts'
import type { Account, Definition, Seen } from '../../schemas/wire/raw.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { accountKey } from '../../src/core/keys.ts'
import type { Encoded } from '../../src/ports/processor.ts'
import type { AccountClass, AccountRow, Kept } from './account.ts'
import { accountClasses, lastObserved } from './account.ts'
import type { Step } from './facets.ts'
import { nextAssignments, nextAttributes, nextCredentials, nextFacet } from './facets.ts'
import { deriveLater } from './lagging.ts'
import { meet } from './named.ts'
import { currentAccount, publish, remove } from './publish.ts'
import { forgetShown, keepShown } from './shown.ts'
import type { Scope } from './scope.ts'
import { accountOf, putAccount } from './stored.ts'
import { placeOf } from './scope.ts'
import { isBehindWrite } from './written.ts'

/**
 * One observation of one account. A manifest counts it in every class of accounts, whichever it shows. One of an unknown app is
 * refused and not counted, so that nothing is complete here. One that may be behind our own write to the account counts as seen and
 * changes nothing, unless it was read to confirm that write.
 */
export function observeAccount(scope: Scope, record: Account, encoded: Encoded | undefined, confirms = false): void {
  const { context, runs, settings, lookedFor } = scope
  const state = settings.app(record.app)?.state
  if (state === undefined || state === 'retired') {
    refuse(scope, record, state === undefined ? 'app-unknown' : 'app-retired')
    return
  }
  const key = accountKey(record.app, record.id)
  const shown = classesOf(record)
  const counted = runs.isOpen(record.app, record.run)
  if (counted) runs.receive(record.app, accountClasses)
  if (!confirms && isBehindWrite(scope, record.app, key, record.observed)) {
    const row = accountOf(context.state, key)
    if (row !== undefined && counted) runs.seen(record.app, 'accounts', row.ordinal)
    return
  }
  // its bytes were looked at just before this, and with them whether the account is known
  const before = encoded !== undefined && lookedFor.unknown === key ? undefined : currentAccount(scope, record.app, key)
  lookedFor.unknown = ''
  if (record.gone) {
    observeGone(scope, record, key, before)
    return
  }
  if (before === undefined && isOutdated(scope, record, key)) return
  if (before === undefined) meet(scope, key)
  const start = before === undefined ? newRow(record, runs.newOrdinal(record.app, 'accounts')) : spelt(before, record.native)
  runs.observe(record.app, 'accounts', start.ordinal, shown, record.run, record.observed)
  const { row, changed, moved, stale } = apply(scope, start, record)
  if (record.run !== null && !stale && encoded !== undefined) keepShown(context.state, record.app, row.ordinal, encoded)
  else if (changed) forgetShown(context.state, record.app, row.ordinal)
  if (changed && counted) runs.changed(record.app)
  if (changed || before === undefined) publish(scope, key, before, row, record.observed)
  else if (moved || start !== before) putAccount(context.state, key, row)
}

const classesOf = (record: Account): AccountClass[] =>
  accountClasses.filter((name) => (name === 'accounts' ? record.attributes : record[name]) !== null)

/** A rejected record: nothing of its account is absent in this run. */
export function observeSeen({ context, runs, settings }: Scope, record: Seen): void {
  if (!isRead(settings.app(record.app)) || !runs.isOpen(record.app, record.run)) return
  runs.receive(record.app, accountClasses, true)
  const row = accountOf(context.state, accountKey(record.app, record.id))
  if (row !== undefined) runs.seen(record.app, 'accounts', row.ordinal)
}

/** Of the open run: staged until its DefinitionsEnd. Outside a run: in force at once. Of another run: that run is over. */
export function observeDefinition(scope: Scope, record: Definition): void {
  const { runs, settings, definitions } = scope
  if (!isRead(settings.app(record.app))) return
  if (record.run === null) {
    if (definitions.applyNow(record)) deriveLater(scope, record.app, record.observed)
  } else if (runs.isOpen(record.app, record.run)) {
    runs.receive(record.app, ['definitions'])
    definitions.stage(record)
  }
}

/** A paused app is read no more, but what was read of it applies. */
const isRead = (setting: AppSetting | undefined): boolean => setting !== undefined && setting.state !== 'retired'

/** As the application spells the id now: a single read has to ask in its words. */
const spelt = (row: AccountRow, native: string): AccountRow => (row.native === native ? row : { ...row, native })

function newRow({ observed, native }: Account, ordinal: number): AccountRow {
  return {
    ordinal, native, since: Math.floor(observed / 1_000), attributes: null, memberships: null, grants: null, credentials: null,
    published: null, held: null, watches: [], due: null,
  }
}

/** Whether an account that is not known was seen to be gone, or not seen by a complete run, after this observation was made. */
function isOutdated({ context, runs }: Scope, { app, observed }: Account, key: string): boolean {
  const gone = context.state.get<number>('tombs', key)
  if (observed < (gone ?? -1) || runs.isStale(app, 'accounts', null, -1, observed)) return true
  if (gone !== undefined) context.state.delete('tombs', key)
  return false
}

/** The stamp stays behind, so that a page that was read before can't bring the account back. */
function observeGone(scope: Scope, { app, observed }: Account, key: string, row: AccountRow | undefined): void {
  const { context, runs } = scope
  const own = row === undefined ? (context.state.get<number>('tombs', key) ?? -1) : lastObserved(row)
  if (runs.isStale(app, 'accounts', row?.ordinal ?? null, own, observed)) return
  context.state.put('tombs', key, observed)
  if (row === undefined) return
  remove(scope, key, row, 'deleted', observed)
}

interface Applied {
  readonly row: AccountRow
  /** something to publish */
  readonly changed: boolean
  /** something to store */
  readonly moved: boolean
  /** a facet of the record was older than what is known, and passed over */
  readonly stale: boolean
}

function apply(scope: Scope, row: AccountRow, record: Account): Applied {
  let changed = false
  let moved = false
  let stale = false
  const { observed, valid, attributes, memberships, grants, credentials } = record
  const at = placeOf(scope.context)
  const step = <C>(name: AccountClass, before: Kept<C> | null, whole: boolean, content: C): Kept<C> | null => {
    if (scope.runs.isStale(record.app, name, row.ordinal, before?.observed ?? -1, observed)) {
      stale = true
      return before
    }
    const result: Step<C> = nextFacet(before, { observed, valid, whole, at, content }, record.run === null)
    if (before === null) scope.runs.hold(record.app, name, 1)
    changed ||= result.changed
    moved ||= result.moved
    return result.kept
  }
  const next: { -readonly [K in keyof AccountRow]: AccountRow[K] } = { ...row }
  if (attributes !== null) {
    const content = nextAttributes(row.attributes?.content ?? null, attributes)
    next.attributes = step('accounts', row.attributes, attributes.whole, content)
  }
  if (memberships !== null) {
    const content = nextAssignments(row.memberships?.content ?? [], memberships)
    next.memberships = step('memberships', row.memberships, memberships.whole, content)
  }
  if (grants !== null) {
    const content = nextAssignments(row.grants?.content ?? [], grants)
    next.grants = step('grants', row.grants, grants.whole, content)
  }
  if (credentials !== null) {
    const content = nextCredentials(row.credentials?.content ?? [], credentials)
    next.credentials = step('credentials', row.credentials, credentials.whole, content)
  }
  return { row: next, changed, moved, stale }
}

const reasons = {
  'app-unknown': 'no setting names this application: add it to the config and apply it, then read the application again',
  'app-retired': 'the application is retired: set it active again and apply the config to read it',
} as const

function refuse({ context }: Scope, { app, id, run, observed }: Account, code: keyof typeof reasons): void {
  const { topic, partition, offset, index } = context.position
  const place = `${topic}/${partition}@${offset}.${index}`
  context.emit('dead-letters', app, {
    type: 'DeadLetter', id: digest(canonical(['normalise', code, place])), source: app, run, stage: 'normalise', code,
    reason: reasons[code], place, record: accountKey(app, id), payload: canonical({ app, id, observed }), at: context.now,
    state: 'open', by: null, why: null, cause: context.position,
  })
}
