import { once } from 'node:events'
import type { Api, Filters } from '../http/api.ts'
import { connectorText } from '../http/connectors.ts'
import type { OpenLetters } from '../reports/dead-letters.ts'
import type { Format } from '../reports/format.ts'
import type { Unproven } from '../reports/unproven.ts'
import { timeMs } from '../../schemas/time-text.ts'
import type { LetterDecision } from '../http/letters.ts'
import { explanationText } from './explanation-text.ts'
import { pausedLines } from './paused.ts'
import { terminalWidth } from './terminal.ts'
import { withApi } from './with-api.ts'

export async function ask(configFile: string, name: string, filters: Filters, format: Format): Promise<void> {
  const { text, cutAt, unknown, unproven, paused, behind, deadLetters } = await withApi(configFile, (api) => api.report(name, filters, format, terminalWidth()))
  for await (const piece of text) if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
  if (cutAt !== null) console.error(`there are more: these are the first ${cutAt}; ask with a larger --limit, or for less`)
  for (const filter of unknown) console.error(`the tables know no ${filter} ${JSON.stringify(filters[filter])}: no access of it was ever seen, or it is spelt otherwise`)
  for (const line of [...unprovenLines(unproven), ...pausedLines(paused)]) console.error(line)
  sayAhead([filters['at'], filters['to']])
  if (behind.length > 0) console.error(`the tables lack something that the log has (${behind.join(', ')}): \`grantline run\` brings it in`)
  sayOpen(deadLetters)
}

/** Sources of which nothing is proven: not by now, or not by the time that was asked about. */
function unprovenLines(sources: readonly Unproven[]): string[] {
  const never = sources.filter(({ since }) => since === null).map(({ source }) => source)
  const later = sources.filter(({ since }) => since !== null).map(({ source, since }) => `${source} (first on ${new Date(since!).toISOString()})`)
  return [
    ...(never.length === 0 ? [] : [`no complete run yet of ${never.join(', ')}: unless a person has declared the baseline, what is not found here is not known not to be; \`grantline sync-runs\` says why`]),
    ...(later.length === 0 ? [] : [`not read completely by then: ${later.join(', ')}; of earlier times only what a source dates is told, and what is not found may have been there`]),
  ]
}

/** Of times that are asked about, as typed, the last one that has not come yet. */
export function sayAhead(times: readonly (string | undefined)[]): void {
  const ahead = times.findLast((text) => text !== undefined && (timeMs(text) ?? 0) > Date.now())
  if (ahead !== undefined) console.error(`${ahead} lies ahead: what is told of then is what is known now`)
}

function sayOpen(letters: readonly OpenLetters[]): void {
  if (letters.length === 0) return
  const each = letters.map(({ source, letters: count }) => `${source} ${count}`).join(', ')
  console.error(`not all that was read is in this: open dead letters (${each}); \`grantline dlq list\` shows them`)
}

export async function connectors(configFile: string, format: Format): Promise<void> {
  process.stdout.write(connectorText(await withApi(configFile, (api) => api.connectors()), format, terminalWidth()))
}

/** Everything known of one dead letter, one line a field. */
export async function letter(configFile: string, id: string): Promise<void> {
  const { position, at, ...rest } = await withApi(configFile, (api) => api.letter(id))
  const fields = { ...rest, at: new Date(at).toISOString(), position: `${position.topic}/${position.partition}/${position.offset}/${position.index}` }
  for (const [name, value] of Object.entries(fields)) if (value !== null) console.log(`${name.padEnd(9)}${String(value)}`)
}

export async function decide(configFile: string, id: string, decision: LetterDecision): Promise<void> {
  console.log(await withApi(configFile, (api) => api.decideLetter(id, decision)))
}

export async function explain(configFile: string, id: string, format: 'table' | 'json'): Promise<void> {
  const explanation = await withApi(configFile, (api) => api.explain(id))
  process.stdout.write(format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation))
  for (const line of pausedLines(explanation.paused)) console.error(line)
  sayOpen(explanation.deadLetters)
}

export async function tell(configFile: string, what: (api: Api) => Promise<void>, done: string): Promise<void> {
  await withApi(configFile, what)
  console.log(done)
}
