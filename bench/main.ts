import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { programEnvironment, programFlags } from './flags.ts'

/**
 * `npm run bench`: every benchmark at a size that ends within minutes. `npm run bench -- NAME [its arguments]`: one of them. Each runs in
 * a process of its own, prints a table with the machine and keeps it in bench/results. Exits with 1 where one of them failed.
 */
const benchmarks: Record<string, { script: string; defaults: string[] }> = {
  pipeline: { script: 'run.ts', defaults: [] },
  sink: { script: 'sink/insert.ts', defaults: [] },
  latency: { script: 'latency/latency.ts', defaults: [] },
  reports: { script: 'reports/reports.ts', defaults: ['50000', '60'] },
  replay: { script: 'replay/replay.ts', defaults: ['2000'] },
  history: { script: 'history/history.ts', defaults: ['100000'] },
  bulk: { script: 'bulk/bulk.ts', defaults: ['100000'] },
  throttle: { script: 'throttle/throttle.ts', defaults: ['10'] },
  'take-over': { script: 'kafka/take-over-alone.ts', defaults: ['5000'] },
  kafka: { script: 'kafka/kafka.ts', defaults: ['5000', '200', '5'] },
}

const [name, ...args] = process.argv.slice(2)
if (name !== undefined && !(name in benchmarks)) {
  console.error(`there is no benchmark "${name}"; there are ${Object.keys(benchmarks).join(', ')}`)
  process.exit(2)
}
for (const [of, { script, defaults }] of Object.entries(benchmarks)) {
  if (name !== undefined && name !== of) continue
  console.log(`\n> ${of}`)
  const path = fileURLToPath(new URL(script, import.meta.url))
  const { status } = spawnSync(process.execPath, [...programFlags, path, ...(name === undefined ? defaults : args)], { stdio: 'inherit', env: programEnvironment })
  if (status !== 0) process.exitCode = 1
}
