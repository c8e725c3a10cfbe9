import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { connectorHealth } from '../../src/http/connectors.ts'
import { reports } from '../../src/reports/catalogue.ts'
import { deadLetterById, deadLetters, openLetters } from '../../src/reports/dead-letters.ts'
import { findingById } from '../../src/reports/findings.ts'
import { knownSources } from '../../src/reports/known-sources.ts'
import { inactiveSources } from '../../src/reports/source-states.ts'
import { summary } from '../../src/reports/summary.ts'
import { unknownNames } from '../../src/reports/unknown-names.ts'
import { unprovenSources } from '../../src/reports/unproven.ts'
import { beginMs, dayMs, merged } from '../history/tables.ts'
import { anonymousMb, publishResults, quantile } from '../machine.ts'
import { app } from '../workload.ts'
import { fillYear, sizes, sources } from './year.ts'

/**
 * `node bench/reports/reports.ts [accounts] [days of runs] [times]`: what people and monitoring ask an installation after a year, each question
 * with the limit of the command line (1,000 rows) unless it says another. `peak MB`: anonymous memory of the process, the engine's included, at its highest while it was asked.
 */
const [accounts = 1_000_000, days = 365, times = 3] = process.argv.slice(2).map(Number)
const path = mkdtempSync(join(tmpdir(), 'grantline-reports-'))
const store = await openStore({ path })
const configured = [app, ...Array.from({ length: sources }, (_, i) => `app-${i}`)]
const results: Record<string, string | number>[] = []
try {
  await fillYear(store, accounts, days, (done) => done % 200_000 === 0 && console.log(`${done} accounts`))
  await merged(store)
  console.log(await sizes(store))
  await measure('summary: end of a run, /v1/summary, /metrics', () => summary(store, configured))
  await measure('connectors', () => connectorHealth(store, configured, null, 0))
  const needed: Record<string, object> = { 'access-history': { account: 'a13' }, 'access-changes': { from: beginMs + 100 * dayMs, to: beginMs + 107 * dayMs } }
  for (const each of reports) await measure(each.name, () => each.rows(store, needed[each.name] ?? {}))
  const report = (name: string) => reports.find((candidate) => candidate.name === name)!
  for (const verdict of ['unauthorised', 'pending']) await measure(`access --verdict ${verdict}`, () => report('access').rows(store, { verdict }))
  for (const format of ['csv', 'json'] as const) await measure(`access -o ${format} --limit 1000000`, () => report('access').text(store, { limit: 1_000_000 }, format, 0))
  await measure('findings --account', () => report('findings').rows(store, { account: `a${accounts - 10}` }))
  await measure('findings --identity --state all', () => report('findings').rows(store, { identity: `p${accounts - 10}`, state: 'all' }))
  await measure('access --identity', () => report('access').rows(store, { identity: `p${accounts - 10}` }))
  await measure('sync-runs --source', () => report('sync-runs').rows(store, { source: 'app-7' }))
  await measure('sync-runs --verdict partial', () => report('sync-runs').rows(store, { verdict: 'partial' }))
  await measure('dead-letters --source', () => report('dead-letters').rows(store, { source: 'app-7' }))
  await measure('dead-letters --state all', () => report('dead-letters').rows(store, { state: 'all' }))
  const [told] = await deadLetters.run(store, deadLetters.filters.parse({ state: 'all', limit: 1 }))
  await measure('dlq retry, dlq discard: the letter by its id', () => deadLetterById(store, told!.id))
  await measure('explain: its finding', () => findingById(store, '0000000000000000A'))
  await measure('beside each report: open dead letters', () => openLetters(store, null))
  await measure('beside each report: sources that nobody reads', () => inactiveSources(store, configured))
  await measure('beside each report: sources never read completely', () => unprovenSources(store, configured, null))
  await measure('beside an empty report: known sources', () => knownSources(store))
  await measure('beside an empty report: unknown names', () => unknownNames(store, { app, account: 'nobody', entitlement: 'nothing' }))
  publishResults('reports', results)
} finally {
  await store.close()
  rmSync(path, { recursive: true, force: true })
}

async function measure(question: string, ask: () => Promise<unknown>): Promise<void> {
  const ms: number[] = []
  const cpuMs: number[] = []
  let peakMb = 0
  const watch = setInterval(() => (peakMb = Math.max(peakMb, anonymousMb())), 20)
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    const cpu = process.cpuUsage()
    await ask()
    const { user, system } = process.cpuUsage(cpu)
    ms.push(performance.now() - began)
    cpuMs.push((user + system) / 1_000)
  }
  clearInterval(watch)
  results.push({ question, 'median ms': quantile(ms, 0.5), 'worst ms': quantile(ms, 1), 'median CPU ms': quantile(cpuMs, 0.5), 'peak MB': Math.round(peakMb) })
  console.log(results.at(-1))
}
