import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { access } from '../../src/reports/access.ts'
import { accessChanges } from '../../src/reports/access-changes.ts'
import { accessHistory } from '../../src/reports/access-history.ts'
import { publishResults, quantile } from '../machine.ts'
import { app } from '../workload.ts'
import { beginMs, dayMs, fillTables, merged } from './tables.ts'

/**
 * `node bench/history/history.ts [accounts] [questions]`: the reports' own questions over W(n) with a year of changes. A million accounts,
 * the default, are 31 million grants; an answer has at most 1,000 rows, as on the command line. Every question is asked about other
 * accounts, entitlements and times; `CPU` is of the whole process and tells more than the time where the machine is busy.
 */
const [accounts = 1_000_000, questions = 20] = process.argv.slice(2).map(Number)
const path = mkdtempSync(join(tmpdir(), 'grantline-history-'))
const store = await openStore({ path })
const results: Record<string, string | number>[] = []
try {
  const grants = await fillTables(store, accounts, (done) => done % 200_000 === 0 && console.log(`${done} accounts`))
  console.log(`${grants} grants of ${accounts} accounts, ${2 * accounts} changes`)
  await merged(store)
  const permission = (i: number): string => `perm-${String((i * 37) % 200).padStart(3, '0')}`
  const at = (i: number): number => beginMs + (20 + ((i * 71) % 340)) * dayMs
  /** in a week with changes */
  const busy = (i: number): number => beginMs + (70 + (i % 30)) * dayMs
  const account = (i: number): string => `a${(i * 7_919 + 13) % accounts}`
  await measure('who had access to X at T', (i) => access.run(store, access.filters.parse({ app, entitlement: permission(i), at: at(i) })))
  await measure('who has access to X now', (i) => access.run(store, access.filters.parse({ app, entitlement: permission(i) })))
  await measure('what had account A at T', (i) => access.run(store, access.filters.parse({ app, account: account(i), at: at(i) })))
  await measure('what had account A over time', (i) => accessHistory.run(store, accessHistory.filters.parse({ app, account: account(i) })))
  await measure('differences between two days a week apart', (i) => accessChanges.run(store, accessChanges.filters.parse({ app, from: at(i), to: at(i) + 7 * dayMs })))
  await measure('all differences between two days a week apart', (i) => accessChanges.run(store, accessChanges.filters.parse({ from: busy(i), to: busy(i) + 7 * dayMs, limit: 1_000_000 })), Math.ceil(questions / 10))
  publishResults('history', results)
} finally {
  await store.close()
  rmSync(path, { recursive: true, force: true })
}

async function measure(what: string, ask: (i: number) => Promise<readonly unknown[]>, times = questions): Promise<void> {
  await ask(times) // the first of its kind reads the column files that all others need
  const ms: number[] = []
  const cpuMs: number[] = []
  let rows = 0
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    const cpu = process.cpuUsage()
    rows += (await ask(i)).length
    const { user, system } = process.cpuUsage(cpu)
    ms.push(performance.now() - began)
    cpuMs.push((user + system) / 1_000)
  }
  results.push({
    question: what, accounts, times, 'rows an answer': Math.round(rows / times), 'p50 ms': quantile(ms, 0.5), 'p95 ms': quantile(ms, 0.95),
    'p50 CPU ms': quantile(cpuMs, 0.5), 'p95 CPU ms': quantile(cpuMs, 0.95),
  })
  console.log(results.at(-1))
}
