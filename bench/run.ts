import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { programEnvironment, programFlags } from './flags.ts'
import { machine } from './machine.ts'

/**
 * `npm run bench -- pipeline [n …] [--threads t,…] [--own]`: workload W(n) end to end for each n (default 5,000 and ten times that) and each number
 * of threads that run the tasks (default 1), each in a process of its own, printed as a table with the machine and kept in bench/results.
 * `--own`: hardly two accounts have the same roles and permissions. Exits with 1 where the findings are not those that were planted.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { threads: { type: 'string', default: '1' }, own: { type: 'boolean', default: false } } })
const sizes = positionals.length > 0 ? positionals.map(Number) : [5_000, 50_000]
const threads = values.threads.split(',').map(Number)
const here = fileURLToPath(new URL('.', import.meta.url))

const Result = z.object({
  n: z.number(), threads: z.number(), firstPerSecond: z.number(), unchangedPerSecond: z.number(), grantsPerSecond: z.number(), findings: z.number(),
  expectedFindings: z.number(), asPlanted: z.boolean(), anonymousMb: z.number(), intentSeconds: z.number(), intentCpuSeconds: z.number(),
  firstCpuSeconds: z.number(), unchangedCpuSeconds: z.number(),
})
type Result = z.infer<typeof Result>

const of = { ...machine(), flags: programFlags.join(' ') }

function measure(n: number, threads: number): Result {
  const output = execFileSync(process.execPath, [...programFlags, `${here}pipeline.ts`, '--json', '--threads', String(threads), ...(values.own ? ['--own'] : []), String(n)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: programEnvironment })
  return Result.parse(JSON.parse(output))
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

function rowsOf(result: Result): string[][] {
  const { n, findings, expectedFindings, asPlanted, anonymousMb } = result
  const row = (phase: string, accounts: number, grants: string, cpuSeconds: number): string[] => [
    whole(n), whole(result.threads), phase, whole(accounts), grants, cpuSeconds.toFixed(1), ((cpuSeconds * 1e6) / n).toFixed(cpuSeconds * 1e5 < n ? 1 : 0),
  ]
  const verdict = asPlanted ? `${whole(findings)}, as planted` : `${whole(findings)}, planted were ${whole(expectedFindings)}`
  return [
    [...row('intent', n / result.intentSeconds, '', result.intentCpuSeconds), '', ''],
    [...row('first', result.firstPerSecond, whole(result.grantsPerSecond), result.firstCpuSeconds), whole(anonymousMb), verdict],
    [...row('unchanged', result.unchangedPerSecond, '', result.unchangedCpuSeconds), '', ''],
  ]
}

console.log(Object.entries(of).map(([name, value]) => `${name}: ${value}`).join('   '))
const head = ['accounts', 'threads', 'snapshot', 'accounts/s', 'grants/s', 'CPU s', 'µs an account', 'peak anon MB', 'findings']
const results = sizes.flatMap((n) => threads.map((count) => measure(n, count)))
const table = [head, ...results.flatMap(rowsOf)]
const width = (column: number): number => Math.max(...table.map((row) => row[column]!.length))
for (const row of table) console.log(row.map((cell, column) => cell.padStart(width(column))).join('  '))

mkdirSync(`${here}results`, { recursive: true })
writeFileSync(`${here}results/${values.own ? 'pipeline-own' : 'pipeline'}.json`, `${JSON.stringify({ machine: of, results }, null, 2)}\n`)
if (results.some(({ asPlanted }) => !asPlanted)) process.exitCode = 1
