import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { prepareServices } from './services/prepare.ts'

/**
 * `npm test`: types and lint beside every suite. Arguments are passed on to vitest (`npm test -- test/processors`), and then only
 * the named suites run. The last line counts all of it: `N passed, N failed`. Suites named `*.service.test.ts` need Java (Kafka
 * runs on it): where there is none they do not run, a line says so, and with CI=true that is a failure. No secret that a suite
 * configured may stand in what the suites print, nor in what they keep (test/support/watch-secrets.ts).
 */
const Report = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), numPendingTests: z.int(), numTodoTests: z.int(), success: z.boolean(), testResults: z.array(z.object({ name: z.string() })) })

const chosen = process.argv.slice(2)
let passed = 0
let failed = 0

/** Beside the suites, which would leave a core idle while one of these runs alone; what it prints comes out whole, when it has ended. */
async function check(name: string, args: string[]): Promise<void> {
  const child = spawn('npx', ['--no-install', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const from of [child.stdout, child.stderr]) from.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [status] = (await once(child, 'close')) as [number | null]
  console.log(`\n> ${name}: ${status === 0 ? 'passed' : 'failed'}\n${said}`)
  if (status === 0) passed++
  else failed++
}

/** Runs vitest and prints what it prints. */
async function suites(args: string[]): Promise<boolean> {
  console.log('\n> suites')
  const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const child = spawn('npx', args, { stdio: ['inherit', 'pipe', 'pipe'], env: { ...process.env, ...colours, GRANTLINE_TEST_SECRETS: secretsFile } })
  for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]] as const) {
    from.setEncoding('utf8').on('data', (text: string) => {
      printed.push(text)
      to.write(text)
    })
  }
  const [status] = (await once(child, 'close')) as [number | null]
  return status === 0
}

/** How many of the secrets that suites configured were printed; their values are not repeated. */
function secretsPrinted(files: readonly string[]): number {
  const secrets = existsSync(secretsFile) ? new Set(readFileSync(secretsFile, 'utf8').trimEnd().split('\n').map((line) => z.string().parse(JSON.parse(line)))) : new Set<string>()
  const text = printed.join('')
  const unseen = files.filter((name) => !text.includes(name)) // a search that does not see the suites' names would see no secret
  const found = [...secrets].filter((secret) => text.includes(secret))
  if (unseen.length > 0) console.error(`what ${unseen.join(', ')} printed was not looked through`)
  for (const secret of found) console.error(`a secret that begins with ${secret.slice(0, 4)} was printed: find it in what stands above`)
  console.log(`secrets: ${secrets.size} were configured, ${found.length} of them printed`)
  return found.length + (unseen.length > 0 ? 1 : 0)
}

/** One after the other: each needs memory for all of the sources' types. */
async function checks(): Promise<void> {
  await check('types', ['tsc', '--noEmit'])
  await check('types of the pure core (no Node, no DOM)', ['tsc', '--noEmit', '-p', 'tsconfig.pure.json'])
  await check('lint', ['eslint', '.'])
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
const secretsFile = join(directory, 'secrets')
const printed: string[] = []
const checked = chosen.length === 0 ? checks() : Promise.resolve()
const green = await suites([...vitest, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`])
await checked
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
  failed += secretsPrinted(report.testResults.map(({ name }) => relative(process.cwd(), name)))
} catch (error) {
  console.error(`no report from the suites: ${error instanceof Error ? error.message : String(error)}`)
  failed++
}
rmSync(directory, { recursive: true, force: true })
if (missing !== null) console.error(`the suites on Kafka did not run: ${missing}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
