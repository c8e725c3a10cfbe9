import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/**
 * `npm run bench [n …]`: workload W(n) end to end for each n (default 2,000 and ten times that), each in a process of its own,
 * printed as a table with the machine and kept in bench/results.
 */
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2_000, 20_000]
const here = fileURLToPath(new URL('.', import.meta.url))

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  load: loadavg()[0]?.toFixed(1) ?? '?',
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here, encoding: 'utf8' }).trim(),
}
console.log(Object.entries(machine).map(([name, value]) => `${name}: ${value}`).join('   '))

const results = sizes.map((n) => {
  const line = execFileSync(process.execPath, [`${here}pipeline.ts`, String(n)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
  return Object.fromEntries(line.split(/\s+/).map((field) => field.split('=') as [string, string]))
})
const columns = Object.keys(results[0] ?? {})
const width = (column: string): number => Math.max(column.length, ...results.map((result) => (result[column] ?? '').length))
for (const row of [Object.fromEntries(columns.map((column) => [column, column])), ...results]) {
  console.log(columns.map((column) => (row[column] ?? '').padStart(width(column))).join('  '))
}
mkdirSync(`${here}results`, { recursive: true })
writeFileSync(`${here}results/pipeline.json`, `${JSON.stringify({ machine, results }, null, 2)}\n`)
