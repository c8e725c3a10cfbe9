import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Where and of what a measurement is. `load`: of the machine in the minute before, for which nobody here is to blame. */
export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version,
    load: loadavg()[0]?.toFixed(1) ?? '?',
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here, encoding: 'utf8' }).trim(),
  }
}

/** Of this process, MB: without the pages of files, which the system takes back when others want memory. */
export function anonymousMb(): number {
  const match = /RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
  return match === null ? 0 : Number(match[1]) / 1024
}

/** Prints a table with the machine, and keeps both in bench/results. */
export function publishResults(name: string, results: readonly Record<string, string | number>[]): void {
  const of = machine()
  console.log(Object.entries(of).map(([key, value]) => `${key}: ${value}`).join('   '))
  console.table(results)
  mkdirSync(`${here}results`, { recursive: true })
  writeFileSync(`${here}results/${name}.json`, `${JSON.stringify({ machine: of, results }, null, 2)}\n`)
}

/** The value that so large a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)
}
