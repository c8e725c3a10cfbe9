import { parseArgs } from 'node:util'
import { startKafka } from '../../test/services/kafka.ts'
import { publishResults } from '../machine.ts'
import { intent, settings, snapshot } from '../workload.ts'
import { drained } from './group.ts'
import { counts, install, publish, startGroup, workers } from './installation.ts'
import { takeOvers } from './take-over.ts'

/**
 * `npm run bench -- take-over [accounts] [session seconds] [--no-people]`: of `kafka`, the taking over alone, where W(n) is the state; without
 * people it is the accounts alone, which take a tenth of the time to get there.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'no-people': { type: 'boolean', default: false } } })
const [accounts = 20_000, sessionSeconds = 6] = positionals.map(Number)
const isPeopled = !values['no-people']
const rows: Record<string, string | number>[] = []
const cluster = await startKafka({ heapMb: 768, isMeasured: true })
try {
  const brokers = [...cluster.brokers]
  const of = await install(brokers)
  const [first] = await startGroup(of, brokers, 1, 600_000)
  for (const records of [settings(counts), ...(isPeopled ? [intent(accounts, counts)] : []), snapshot(accounts, 1, counts)]) {
    await publish(of, records)
    await drained(of.log, of.admin, of.prefix)
  }
  await first?.stop()
  await takeOvers(of, brokers, {
    accounts, sessionSeconds,
    tell: (what, value, unit, note = '') => {
      rows.push({ what, value: Math.round(value * 100) / 100, unit, note })
      console.log(`${what}: ${value.toFixed(2)} ${unit} ${note}`)
    },
  })
  await of.close()
  publishResults(isPeopled ? 'take-over' : 'take-over-accounts', [{ what: 'state', value: accounts, unit: 'accounts', note: isPeopled ? '' : 'without people' }, ...rows])
} finally {
  await Promise.all(workers.map((worker) => worker.kill()))
  await cluster.stop()
}
