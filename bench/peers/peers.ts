import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { startKafka } from '../../test/services/kafka.ts'
import { programEnvironment, programFlags } from '../flags.ts'
import { publishResults } from '../machine.ts'
import { plantedFindings } from '../workload.ts'
import { buildPeer, runPeer, type Measured } from './streams-peer.ts'

/**
 * `npm run bench:peers [n]`: W(n) here on Kafka and as a Kafka Streams application, in two variants, on the same broker one after
 * another. Exits with 1 where the findings of any are not those that were planted. The peer does less: it expands, compares and tells
 * findings in one hop, and knows no facts, effective access, run verdicts or key book.
 */
const Ours = z.object({
  firstPerSecond: z.number(), unchangedPerSecond: z.number(), firstCpuSeconds: z.number(), unchangedCpuSeconds: z.number(), anonymousMb: z.number(), asPlanted: z.boolean(),
})
const partitions = 4
const n = Number(process.argv[2] ?? 20_000)
const pipeline = fileURLToPath(new URL('../pipeline.ts', import.meta.url))

const rowOf = (who: string, snapshot: string, { seconds, cpuSeconds, anonymousMb }: Measured, asPlanted: boolean): Record<string, string | number> => ({
  who, accounts: n, snapshot, 'accounts/s': Math.round(n / seconds), 'CPU µs an account': Math.round((cpuSeconds * 1e6) / n), 'anonymous MB': Math.round(anonymousMb), findings: asPlanted ? 'as planted' : 'WRONG',
})

buildPeer()
const cluster = await startKafka({ heapMb: 768, isMeasured: true })
const rows: Record<string, string | number>[] = []
try {
  for (const variant of ['records', 'chunks'] as const) {
    const { first, unchanged, findings } = await runPeer(cluster.brokers, partitions, n, variant)
    const asPlanted = findings.join() === plantedFindings(n).join()
    const who = `Kafka Streams, ${variant}`
    rows.push(rowOf(who, 'first', first, asPlanted), rowOf(who, 'unchanged', unchanged, asPlanted))
  }
  const output = execFileSync(process.execPath, [...programFlags, pipeline, '--json', '--kafka', cluster.brokers.join(','), String(n)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: programEnvironment })
  const ours = Ours.parse(JSON.parse(output))
  const { anonymousMb, asPlanted } = ours
  rows.push(
    rowOf('grantline', 'first', { seconds: n / ours.firstPerSecond, cpuSeconds: ours.firstCpuSeconds, anonymousMb }, asPlanted),
    rowOf('grantline', 'unchanged', { seconds: n / ours.unchangedPerSecond, cpuSeconds: ours.unchangedCpuSeconds, anonymousMb }, asPlanted),
  )
} finally {
  await cluster.stop()
}
publishResults('peers', rows)
if (rows.some(({ findings }) => findings !== 'as planted')) process.exitCode = 1
