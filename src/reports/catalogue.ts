import type { Store } from '../ports/store.ts'
import { accessChanges } from './access-changes.ts'
import { accessHistory } from './access-history.ts'
import { access } from './access.ts'
import { actions, plan } from './actions.ts'
import { deadLetters } from './dead-letters.ts'
import { findings } from './findings.ts'
import { formatPages, type Format } from './format.ts'
import { HeldText, type TextPieces } from './held-text.ts'
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
  text(store: Store, filters: unknown, format: Format, width: number): Promise<Told<TextPieces>>
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
      const checked = report.filters.parse(filters)
      const asked = { ...checked, limit: checked.limit + 1 }
      const [answer, told] = [new HeldText(), { count: 0, cutAt: null as number | null }]
      const pages = report.pages?.(store, asked) ?? [await report.run(store, asked)]
      for await (const piece of formatPages(format, report.columns, upTo(checked.limit, pages, told), width)) answer.add(piece)
      return { answer, ...told }
    },
  }
}

async function* upTo<R>(limit: number, pages: Iterable<readonly R[]> | AsyncIterable<readonly R[]>, told: { count: number; cutAt: number | null }): AsyncGenerator<readonly R[]> {
  for await (const page of pages) {
    const kept = page.slice(0, limit - told.count)
    told.count += kept.length
    if (kept.length < page.length) told.cutAt = limit
    yield kept
  }
}

export const reports: readonly NamedReport[] = [
  named(findings), named(access), named(accessHistory), named(accessChanges), named(lag), named(syncRuns), named(deadLetters), named(actions), named(plan),
]
