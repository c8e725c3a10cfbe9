import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { prepareServices } from './services/prepare.ts'

/**
 * `npm test`: types, lint, then every suite. Arguments are passed on to vitest (`npm test -- test/processors`), and then only
 * the named suites run. The last line counts all of it: `N passed, N failed`. Suites named `*.service.test.ts` need Java (Kafka
 * runs on it): where there is none they do not run, a line says so, and with CI=true that is a failure.
 */
const Report = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), numPendingTests: z.int(), numTodoTests: z.int(), success: z.boolean() })

const chosen = process.argv.slice(2)
let passed = 0
let failed = 0

function step(name: string, command: string, args: string[]): boolean {
  console.log(`\n> ${name}`)
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) console.error(error.message)
  return status === 0
}

function check(name: string, args: string[]): void {
  if (step(name, 'npx', ['--no-install', ...args])) passed++
  else failed++
}

if (chosen.length === 0) {
  check('types', ['tsc', '--noEmit'])
  check('types of the pure core (no Node, no DOM)', ['tsc', '--noEmit', '-p', 'tsconfig.pure.json'])
  check('lint', ['eslint', '.'])
}

const services = 'service.test.ts'
const vitest = ['--no-install', 'vitest', 'run', ...chosen]
const isWithServices = chosen.length === 0 || chosen.some((name) => name.includes(services))
const missing = isWithServices ? await prepareServices() : null
if (missing !== null) {
  vitest.push('--exclude', `**/*.${services}`, '--passWithNoTests')
  if (process.env['CI'] === 'true') failed++
}

const directory = mkdtempSync(join(tmpdir(), 'grantline-test-'))
const file = join(directory, 'report.json')
const green = step('suites', 'npx', [...vitest, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`])
try {
  const report = Report.parse(JSON.parse(readFileSync(file, 'utf8')))
  passed += report.numPassedTests
  failed += report.numFailedTests
  const skipped = report.numPendingTests + report.numTodoTests
  if (skipped > 0) {
    console.error(`${skipped} tests were skipped: a suite that can't run has to fail and say why`)
    failed += skipped
  }
  if (!green && failed === 0) failed++
} catch (error) {
  console.error(`no report from the suites: ${error instanceof Error ? error.message : String(error)}`)
  failed++
}
rmSync(directory, { recursive: true, force: true })
if (missing !== null) console.error(`the suites on Kafka did not run: ${missing}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
