import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Company, unordered } from '../crash/company.ts'
import { differences, type Outcome } from '../crash/outcome.ts'
import { audit, childEnv, runToEnd, type Place } from '../crash/processes.ts'

/** `grantline log backup` on the example, while another process reads its applications and feeds for the first time. */
const main = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url))

let company: Company
let undisturbed: Outcome
const copies: string[] = []

async function grantline(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { env: childEnv })
  return stdout
}

beforeAll(async () => {
  company = await Company.open()
  const over = new AbortController()
  const run = runToEnd(company).finally(() => over.abort())
  const log = join(company.directory, 'data', 'log', 'log.mdb')
  while (!over.signal.aborted && !existsSync(log)) await delay(20)
  for (let n = 0; !over.signal.aborted && n < 40; n++) {
    const copy = join(company.directory, `copy ${n}`)
    expect(await grantline('log', 'backup', copy, '-c', company.file)).toMatch(/: \d+\.\d MB, the log as it stood at one moment/)
    copies.push(copy)
  }
  await run
  undisturbed = await audit(company)
}, 600_000)
afterAll(() => company.close())

function restored(copy: string): Place {
  const file = `${copy}.yaml`
  writeFileSync(file, readFileSync(company.file, 'utf8').replace(/^dataDir: .*$/m, `dataDir: "${copy}"`))
  return { directory: copy, file, offsetMs: company.offsetMs }
}

describe('a backup that was taken in the midst of a run', () => {
  it('derives again as recorded, goes on, and ends as the run that went on', { timeout: 600_000 }, async () => {
    expect(undisturbed.faults).toEqual([])
    expect(copies.length).toBeGreaterThan(2)
    const place = restored(copies[Math.floor(copies.length / 2)]!)
    expect(await grantline('verify', '-c', place.file)).toMatch(/verified: \d+ records and 0 table rows are what the input gives/)
    await runToEnd(place)
    expect(differences(undisturbed, await audit(place), unordered)).toEqual([])
  })

  it('is refused into a directory that has a log, and of a log on Kafka', async () => {
    await expect(grantline('log', 'backup', copies[0]!, '-c', company.file)).rejects.toThrow(/is not empty: name a directory that is/)
    const file = join(company.directory, 'on-kafka.yaml')
    writeFileSync(file, `${readFileSync(company.file, 'utf8')}\nkafka: { brokers: ["127.0.0.1:1"] }\n`)
    await expect(grantline('log', 'backup', join(company.directory, 'none'), '-c', file)).rejects.toThrow(/the log is on Kafka, whose brokers keep its copies/)
  })
})
