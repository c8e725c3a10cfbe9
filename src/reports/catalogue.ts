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

/** A report whose row type is its own business: for edges that take its name from outside. */
export interface NamedReport {
  name: string
  summary: string
  restsOnSources: boolean
  /** The rows as text. `filters` is checked: ZodError where it is not what the report takes. Throws StoreError. */
  text(store: Store, filters: unknown, format: Format, width: number): Promise<string>
  /** The rows as JSON values; otherwise as `text`. */
  rows(store: Store, filters: unknown): Promise<readonly object[]>
}

function named<F, R extends object>(report: Report<F, R>): NamedReport {
  return {
    name: report.name,
    summary: report.summary,
    restsOnSources: report.restsOnSources,
    rows: async (store, filters) => report.run(store, report.filters.parse(filters)),
    text: async (store, filters, format, width) => formatRows(format, report.columns, await report.run(store, report.filters.parse(filters)), width),
  }
}

export const reports: readonly NamedReport[] = [
  named(findings), named(access), named(accessHistory), named(accessChanges), named(lag), named(syncRuns), named(deadLetters), named(actions), named(plan),
]
