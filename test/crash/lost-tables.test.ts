import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Company, unordered } from './company.ts'
import { differences, type Outcome } from './outcome.ts'
import { audit, killAt, runToEnd } from './processes.ts'

/**
 * The engine acknowledges an insert before it is on disk, so a power cut may take rows that the sink knows to be there. What is lost
 * is played by taking data parts away; the log is whole.
 */
const sceneMs = 600_000
const resultTables = ['findings_log', 'access_log', 'sync_run_log', 'lag_samples']

let company: Company
let undisturbed: Outcome
beforeAll(async () => {
  const calm = await Company.open()
  await runToEnd(calm)
  undisturbed = await audit(calm)
  await calm.close()
  company = await Company.open()
}, sceneMs)
afterAll(() => company.close())

const tables = (): string => join(company.directory, 'data', 'tables')

/** Takes every data part of the result tables away; answers how many there were. */
function loseParts(): number {
  let lost = 0
  for (const table of resultTables) {
    const directory = join(tables(), 'data', 'grantline', table)
    for (const part of readdirSync(directory).filter((name) => name.startsWith('all_'))) {
      rmSync(join(directory, part), { recursive: true })
      lost++
    }
  }
  return lost
}

it('after a kill, rows that the tables lost are inserted again from the log', { timeout: sceneMs }, async () => {
  await killAt(company, { point: 'sink.after-insert', nth: 3 })
  expect(loseParts()).toBeGreaterThanOrEqual(2)
  await runToEnd(company)
  expect(differences(undisturbed, await audit(company), unordered)).toEqual([])
})

it('rows lost after a clean end are missed by the comparison with the log, and come back when the tables are made anew', { timeout: sceneMs }, async () => {
  expect(loseParts()).toBeGreaterThanOrEqual(2)
  await runToEnd(company)
  const { faults } = await audit(company)
  expect(faults.filter((fault) => fault.includes('"kind":"missing"'))).not.toEqual([])

  rmSync(tables(), { recursive: true })
  await runToEnd(company)
  expect(differences(undisturbed, await audit(company), unordered)).toEqual([])
})
