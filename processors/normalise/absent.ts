import type { Brake } from '../../schemas/settings.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import type { BrakeLimits, Holding, Objects } from '../shared/absences.ts'
import type { AccountClass, AccountRow } from './account.ts'
import { facetOf, lastObserved, splitKey } from './account.ts'
import { currentAccount, publish, remove } from './publish.ts'
import type { Scope } from './scope.ts'
import { placeOf } from './scope.ts'
import { forgetShown } from './shown.ts'
import { accountOf, accountsOf } from './stored.ts'
import { isBehindWrite } from './written.ts'

/** What absence means for each class. `begin`, `observed`: stamps of the run's begin and of what ended it. */
interface Absence {
  readonly app: string
  readonly class: string
  readonly run: number
  readonly begin: number
  readonly observed: number
}

export function objectsOf(scope: Scope, absence: Absence): Objects {
  const name = absence.class
  if (name === 'definitions') {
    return {
      range: (after) => scope.definitions.range(absence.app, after),
      absent: (key) => scope.definitions.remove(absence.app, key),
    }
  }
  if (name === 'accounts') {
    const reread = scope.settings.app(absence.app)?.reread === true
    return {
      range: (after) => holdings(scope, absence.app, after, lastObservedOrNull),
      absent: (key) => {
        if (isBehindWrite(scope, absence.app, key, absence.begin)) return
        if (reread) askFor(scope, absence, key)
        else removeAbsent(scope, absence, key)
      },
    }
  }
  const facet = name as Exclude<AccountClass, 'accounts'>
  return {
    range: (after) => holdings(scope, absence.app, after, (row) => (isEmpty(row, facet) ? null : (row[facet]?.observed ?? null))),
    absent: (key) => {
      if (!isBehindWrite(scope, absence.app, key, absence.begin)) emptyFacet(scope, absence, key, facet)
    },
  }
}

/** Definitions lie whole in every partition, accounts are spread over all of them. */
export function limitsOf(scope: Scope, app: string, name: string): BrakeLimits {
  const brake: Brake = scope.settings.app(app)?.brake ?? { maxAbsent: 0, maxAbsentShare: 0 }
  return { ...brake, divisor: name === 'definitions' ? 1 : scope.context.partitions.raw }
}

function* holdings(
  { context }: Scope,
  app: string,
  after: string | null,
  observed: (row: AccountRow) => number | null,
): Iterable<readonly [string, Holding]> {
  for (const [key, row] of accountsOf(context.state, app, after)) {
    yield [key, { ordinal: row.ordinal, observed: observed(row) }]
  }
}

const lastObservedOrNull = (row: AccountRow): number | null => lastObserved(row)

function isEmpty(row: AccountRow, name: AccountClass): boolean {
  const content = facetOf(row, name)?.content
  return Array.isArray(content) && content.length === 0
}

function removeAbsent(scope: Scope, { observed }: Absence, key: string): void {
  const row = accountOf(scope.context.state, key)
  if (row !== undefined) remove(scope, key, row, 'deleted', observed)
}

function askFor({ context }: Scope, { app, run }: Absence, key: string): void {
  const { id } = splitKey(key)
  const account = accountOf(context.state, key)?.native ?? id
  context.emit('commands', app, {
    type: 'Command', id: digest(canonical(['reread', app, id, run])), app, kind: 'reread', account, run,
    reason: `run ${run} was complete and did not show this account`, write: null, at: context.now, cause: context.position,
  })
}

/** The account is there and the complete run showed nothing of this class for it: it has none. */
function emptyFacet(scope: Scope, { app, begin }: Absence, key: string, name: 'memberships' | 'grants' | 'credentials'): void {
  const row = currentAccount(scope, app, key)
  if (row === undefined) return
  const empty = { observed: begin, valid: null, whole: true, at: placeOf(scope.context), content: [] }
  forgetShown(scope.context.state, app, row.ordinal)
  publish(scope, key, row, { ...row, [name]: empty }, begin)
}
