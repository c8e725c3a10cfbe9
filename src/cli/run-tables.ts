import type { Api } from '../http/api.ts'
import { wholeText } from '../reports/held-text.ts'
import { inVainLines } from './in-vain.ts'
import { pausedLines } from './paused.ts'
import { say, terminalWidth } from './terminal.ts'

/** How many rows of each table the run prints; the report commands show all. */
const shownRows = 40
/** Findings whose openings and closings are shown while it runs, at most. */
export const watchedFindings = 10_000

/** Prints what the first pass came to: the first rows of the tables, the sums, and what rests on sources that are not what they should be. */
export async function showTables(api: Api, apps: readonly string[], feeds: readonly string[]): Promise<void> {
  const width = terminalWidth()
  for (const [title, name, filters] of [
    ['Findings', 'findings', { limit: String(shownRows) }],
    ['Sync runs', 'sync-runs', { limit: String(shownRows) }],
    ['Lag', 'lag', {}],
  ] as const) {
    const { text, cutAt } = await api.report(name, filters, 'table', width)
    process.stdout.write(`\n${title}${cutAt === null ? '' : `, the first ${cutAt} (\`grantline ${name}\` shows more)`}\n${await wholeText(text)}`)
  }
  const { findings, grants, deadLetters, sources } = await api.summary()
  const total = (rows: readonly { open?: number; grants?: number; letters?: number }[]): number => rows.reduce((sum, row) => sum + (row.open ?? row.grants ?? row.letters ?? 0), 0)
  const undecided = total(grants.filter(({ verdict }) => verdict === 'undecided'))
  process.stdout.write(`\n${total(findings)} findings open, ${total(grants)} grants held (${undecided} undecided), ${total(deadLetters)} dead letters\n`)
  const line = unproven(feeds.filter((name) => !sources.some(({ source, lastComplete }) => source === name && lastComplete !== null)))
  if (line !== null) say(line)
  const paused = sources.filter(({ state }) => state === 'paused').map(({ source, lastComplete }) => ({ source, since: lastComplete }))
  for (const one of pausedLines(paused)) say(`! ${one}; put them back, or retire them: grantline rule ${paused[0]!.source} --kind retire --by NAME --reason TEXT`)
  for (const one of inVainLines(sources, apps, feeds)) say(one)
}

/** What is not told, of no application, as long as these feeds proved nothing; null: there are none. */
function unproven(feeds: readonly string[]): string | null {
  if (feeds.length === 0) return null
  return `! no complete run yet of ${feeds.join(', ')}: unless a person has declared the baseline (grantline rule ${feeds[0]} --kind baseline --by NAME --reason TEXT), `
    + 'what rests on an absence is not told until there is one: grants without a reason, grants that are missing, leavers, accounts of nobody'
}

/** By id, a line each; null: too many to be told one by one. */
export async function openFindings(api: Api): Promise<Map<string, string> | null> {
  const { text, cutAt } = await api.report('findings', { limit: String(watchedFindings) }, 'json', 0)
  if (cutAt !== null) return null
  const rows = JSON.parse(await wholeText(text)) as { id: string; kind: string; detail: string }[]
  return new Map(rows.map(({ id, kind, detail }) => [id, `${kind}: ${detail}`]))
}
