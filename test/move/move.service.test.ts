import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import { Company, unordered } from '../crash/company.ts'
import { differences, type Outcome } from '../crash/outcome.ts'
import { audit, runToEnd, type Place } from '../crash/processes.ts'
import { startKafka, type KafkaCluster } from '../services/kafka.ts'
import { filesOf } from './contents.ts'

/** The commands, on the example after two passes with a week between them: embedded, to Kafka, to another directory, to Kafka again. */
const main = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url))
const dayMs = 86_400_000

let cluster: KafkaCluster
let company: Company
let source: Outcome
let past: unknown
beforeAll(async () => {
  cluster = await startKafka()
  company = await Company.open()
  await runToEnd(company)
  company.passWeek()
  await runToEnd(company)
  source = await audit(company)
  past = pastOf(company)
}, 900_000)
afterAll(async () => {
  await company.close()
  await cluster.stop()
})

function grantline(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { encoding: 'utf8', maxBuffer: 1e9, cwd: company.directory })
  if (status !== 0) throw new Error(`grantline ${args.join(' ')} ended with ${status}: ${stdout.slice(-2_000)}${stderr.slice(-4_000)}`)
  return stdout
}

/** The same applications and feeds, with the log elsewhere. */
function elsewhere(name: string, more = ''): Place {
  const directory = join(company.directory, name)
  mkdirSync(directory)
  const file = join(company.directory, `${name}.yaml`)
  writeFileSync(file, `${readFileSync(company.file, 'utf8').replace(/^dataDir: .*$/m, `dataDir: ${directory}/data`)}\n${more}`)
  return { directory, file, offsetMs: company.offsetMs }
}
const onKafka = (name: string): Place => elsewhere(name, `kafka: { brokers: ${JSON.stringify(cluster.brokers)}, prefix: "${name}-${randomUUID()}." }\n`)

/** Who had what on the second day, as known then and as known now, with where each row stands in the log. */
function pastOf({ file }: Pick<Place, 'file'>): unknown {
  const at = new Date(Date.now() + company.offsetMs - 6 * dayMs).toISOString().slice(0, 10)
  return [[], ['--known-at', at]].map((known) => JSON.parse(grantline('access', '-c', file, '--at', at, ...known, '--limit', '1000000', '-o', 'json')) as unknown)
}

describe('the log of examples/acme', () => {
  let first: string
  let kafka: Place
  it('goes to Kafka message by message and state by state: an export from there has the same files', { timeout: 600_000 }, () => {
    first = join(company.directory, 'export')
    expect(grantline('log', 'export', first, '-c', company.file)).toMatch(/\d{3,} messages, \d{3,} rows of the states of \d+ tasks/)
    kafka = onKafka('kafka')
    expect(grantline('log', 'import', first, '-c', kafka.file)).toMatch(/at the offsets that they had/)
    const again = join(company.directory, 'export-again')
    grantline('log', 'export', again, '-c', kafka.file)
    expect(filesOf(again)).toEqual(filesOf(first))
    expect(filesOf(first).length).toBeGreaterThan(40)
  })

  it('on Kafka, run on there, gives the same open findings, access and past; verify holds over log and tables', { timeout: 600_000 }, async () => {
    await runToEnd(kafka)
    expect(differences(source, await audit(kafka), unordered)).toEqual([])
    expect(source.access.length).toBeGreaterThan(500)
    expect(pastOf(kafka)).toEqual(past)
    expect((past as unknown[][]).every((rows) => rows.length > 500)).toBe(true)
  })

  it('goes back into a directory, and to Kafka again with the gaps that transactions left', { timeout: 900_000 }, async () => {
    const second = join(company.directory, 'export-of-kafka')
    grantline('log', 'export', second, '-c', kafka.file)
    for (const place of [elsewhere('back'), onKafka('kafka-again')]) {
      grantline('log', 'import', second, '-c', place.file)
      const again = join(place.directory, 'export')
      grantline('log', 'export', again, '-c', place.file)
      expect(filesOf(again)).toEqual(filesOf(second))
      await runToEnd(place)
      expect(differences(source, await audit(place), unordered)).toEqual([])
      expect(pastOf(place)).toEqual(past)
    }
  })

  it('to Kafka, killed in the middle: nothing runs on what is there, and the import goes on', { timeout: 600_000 }, async () => {
    const place = onKafka('killed')
    const child = spawn(process.execPath, [main, 'log', 'import', first, '-c', place.file])
    const ended = new Promise<string | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
    const admin = createClient({ brokers: cluster.brokers, tls: null, sasl: null, log: () => undefined }, 'test').admin()
    await admin.connect()
    const written = async (): Promise<boolean> => {
      const topic = (await admin.listTopics()).find((name) => name.startsWith('killed-') && name.endsWith('.raw'))
      return topic !== undefined && (await admin.fetchTopicOffsets(topic)).some(({ offset }) => offset !== '0')
    }
    await expect.poll(written, { timeout: 120_000, interval: 10 }).toBe(true)
    child.kill('SIGKILL')
    await admin.disconnect()
    expect(await ended).toBe('SIGKILL')
    expect(() => grantline('verify', '-c', place.file)).toThrow(/being filled/)
    grantline('log', 'import', first, '-c', place.file)
    const again = join(place.directory, 'export')
    grantline('log', 'export', again, '-c', place.file)
    expect(filesOf(again)).toEqual(filesOf(first))
  })

  it('is not exported while processes run on it', { timeout: 300_000 }, async () => {
    const child = spawn(process.execPath, [main, 'run', '--roles', 'processors', '-c', kafka.file], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()))
    await expect.poll(() => said, { timeout: 120_000 }).toMatch(/health and metrics at/)
    const other = elsewhere('beside')
    writeFileSync(other.file, readFileSync(kafka.file, 'utf8').replace(/^dataDir: .*$/m, `dataDir: ${other.directory}/data`))
    try {
      expect(() => grantline('log', 'export', join(other.directory, 'export'), '-c', other.file)).toThrow(/processors has 1 members. Stop every process on this log/)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
