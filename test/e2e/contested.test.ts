import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Grantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Step } from '../../src/http/explain.ts'
import { openFindings } from '../examples/acme.ts'
import { onePass, wallClock } from '../support/one-pass.ts'

const dayMs = 86_400_000

let directory: string
let days = 0
const troubles: string[] = []

const config = {
  dataDir: './data', partitions: 2, tickSeconds: 0.2, http: { port: 0 },
  apps: {
    desk: {
      connector: 'csv', identityMapping: true, everySeconds: 30, match: [{ space: 'email', attribute: 'mail' }],
      with: { files: [{ path: './users.csv', piece: 'account', columns: { id: 'login', values: { mail: 'mail' } } }] },
    },
  },
  feeds: { people: { class: 'identities', format: 'csv', path: './people.csv', keys: { email: 'mail' }, everySeconds: 30 } },
}

const nowMs = (): number => Date.now() + days * dayMs
const write = (name: string, ...lines: string[]): void => writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(''))
const staff = (...rows: string[]): void => write('people.csv', 'id,mail,end', ...rows)

/** The next day, what `grantline run --once` does. */
async function nextDay<T>(ask: (grantline: Grantline) => Promise<T>): Promise<T> {
  days++
  return await onePass({ config: await loadConfig(join(directory, 'grantline.yaml')), clock: wallClock(nowMs), env: {}, events: [], troubles }, ask)
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-contested-'))
  writeFileSync(join(directory, 'grantline.yaml'), stringify(config))
  write('users.csv', 'login,mail', 'desk1,info@x')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const stepsIn = (steps: readonly Step[]): Step[] => steps.flatMap((step) => [step, ...stepsIn(step.because)])

it('an account that several claim is explained by what the feeds say of each of them, and told since it has been so', { timeout: 120_000 }, async () => {
  staff('bob,bob@x,')
  await nextDay(async (grantline) => expect(await openFindings(grantline)).toMatchObject([{ kind: 'orphaned-account' }]))
  // who has it from now on ends by a date, which no record of the feed tells
  const ann = `ann,info@x,${new Date(nowMs() + 1.5 * dayMs).toISOString()}`
  staff('bob,bob@x,', ann)
  await nextDay(async (grantline) => expect(await openFindings(grantline)).toEqual([]))
  await nextDay(async (grantline) => expect(await openFindings(grantline)).toMatchObject([{ kind: 'leaver-access' }]))
  const before = nowMs() + dayMs
  staff('bob,info@x,', ann)
  const { finding, because } = await nextDay(async (grantline) => {
    const open = await openFindings(grantline)
    return grantline.api.explain(open.find(({ kind }) => kind === 'ambiguous-match')!.id)
  })
  expect(finding).toMatchObject({ account: 'desk1', home: 'identity/ann', detail: 'Account desk1 in desk is claimed by ann, bob.' })
  expect(finding.since).toBeGreaterThanOrEqual(before)
  const fact = because.find(({ type }) => type === 'AccountFact')!
  expect(fact.says).toMatch(/is contested to ann \(claimed by ann, bob since /u)
  const entries = fact.because.filter(({ type }) => type === 'KeyBook')
  expect(entries.map(({ says }) => says).sort()).toEqual(['ann (ended) claims email info@x', 'bob (active) claims email bob@x, email info@x'])
  expect(entries.map(({ because: [step] }) => step?.says.slice(0, 'identity ann'.length)).sort()).toEqual(['identity ann', 'identity bob'])
  expect(stepsIn(because).filter(({ type }) => type === 'missing')).toEqual([])
  expect(troubles).toEqual([])
})
