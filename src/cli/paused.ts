import type { Paused } from '../reports/paused.ts'

/** One line about sources that nobody reads any more; none where there are none. */
export function pausedLines(sources: readonly Paused[]): string[] {
  if (sources.length === 0) return []
  const each = sources.map(({ source, since }) => `${source} (${since === null ? 'never read completely' : `last complete run ended ${new Date(since).toISOString()}`})`)
  return [`paused, as the config file no longer has them: ${each.join(', ')}; nobody reads them, and what is told of them is as old as that`]
}
