import type { Store } from '../ports/store.ts'
import { accessChanges } from './access-changes.ts'
import { accessHistory } from './access-history.ts'
import { access } from './access.ts'
import { actions, plan } from './actions.ts'
import { deadLetters } from './dead-letters.ts'
import { findings } from './findings.ts'
import { formatRows, type Format } from './format.ts'
import { lag } from './lag.ts'
import type { Report } from './report.ts'
import { syncRuns } from './sync-runs.ts'

/** A report's answer, in `count` rows. `cutAt`: its limit, where there are more, so that nobody takes a part for all; null: this is all. */
export interface Told<A> {
  answer: A
  count: number
  cutAt: number | null
}

/** A report whose row type is its own business: for edges that take its name from outside. */
export interface NamedReport {
  name: string
  summary: string
  restsOnSources: boolean
  /** The rows as text. `filters` is checked: ZodError where it is not what the report takes. Throws StoreError. */
  text(store: Store, filters: unknown, format: Format, width: number): Promise<Told<string>>
  /** The rows as JSON values; otherwise as `text`. */
  rows(store: Store, filters: unknown): Promise<Told<readonly object[]>>
}

function named<F extends { limit: number }, R extends object>(report: Report<F, R>): NamedReport {
  const rows = async (store: Store, filters: unknown): Promise<Told<readonly R[]>> => {
    const checked = report.filters.parse(filters)
    const { limit } = checked
    const found = await report.run(store, { ...checked, limit: limit + 1 })
    const answer = found.slice(0, limit)
    return { answer, count: answer.length, cutAt: found.length > limit ? limit : null }
  }
  return {
    name: report.name,
    summary: report.summary,
    restsOnSources: report.restsOnSources,
    rows,
    text: async (store, filters, format, width) => {
      const { answer, ...rest } = await rows(store, filters)
      return { answer: formatRows(format, report.columns, answer, width), ...rest }
    },
  }
}

export const reports: readonly NamedReport[] = [
  named(findings), named(access), named(accessHistory), named(accessChanges), named(lag), named(syncRuns), named(deadLetters), named(actions), named(plan),
]
