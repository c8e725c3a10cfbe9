import type { Inactive } from './source-states.ts'

/** A source that nobody reads and nobody retired: what is told of it is what was read. `since`: when its last complete run ended, ms; null: it had none. */
export interface Paused {
  source: string
  since: number | null
}

/**
 * Of these, those that were paused at `at`, ms (null: now), and that a question about `app` (null: any application) rests on: what is intended rests on
 * every feed. When one left the config file is not known: as long as there are signs of runs it had not.
 */
export function pausedSources(inactive: readonly Inactive[], app: string | null, at: number | null): Paused[] {
  return inactive
    .filter(({ source, isConfigured, isFeed }) => !isConfigured && (isFeed || app === null || app === source))
    .filter(({ lastSign, retiredAt }) => (at === null ? retiredAt === null : lastSign < at && (retiredAt === null || retiredAt > at)))
    .map(({ source, lastComplete }) => ({ source, since: lastComplete }))
}
