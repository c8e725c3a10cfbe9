import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { manifestOf } from '../../src/connect/files/file.ts'
import { csvSettings, writeCsvFiles } from '../../src/hostile/csv-files.ts'
import { Fault } from '../../src/hostile/fault.ts'
import { hostileToken, restDialect } from '../../src/hostile/rest-dialect.ts'
import { startHostile } from '../../src/hostile/server.ts'
import { World } from '../../src/hostile/world.ts'
import { restSettings } from '../conformance/subjects.ts'
import { captured } from './captured.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-connector-test-'))
const file = join(directory, 'grantline.yaml')
const printed: string[] = []
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

/** `grantline connector test app` with these settings. */
function test(app: object, ...options: string[]): Promise<number> {
  writeFileSync(file, JSON.stringify({ dataDir: './data', apps: { app }, feeds: {} }))
  return captured(printed, ['connector', 'test', 'app', '-c', file, ...options])
}
const passed = (): number => Number(/^(\d+) passed, 0 failed/.exec(printed.at(-1) ?? '')?.[1] ?? 0)

describe('of files', () => {
  const csv = { connector: 'csv', with: csvSettings('') }

  it('damages copies, and leaves what is there', async () => {
    writeCsvFiles(World.corpus(23), directory)
    const before = readFileSync(join(directory, 'users.csv'))
    expect(await test(csv), printed.join('\n')).toBe(0)
    expect(passed()).toBe(36)
    expect(printed.some((line) => line.startsWith('ok     members.csv: the file ends between two rows (memberships partial'))).toBe(true)
    expect(readFileSync(join(directory, 'users.csv')).equals(before)).toBe(true)
  }, 120_000)

  it('says what nobody could tell where nothing proves a file whole, and tries the rest', async () => {
    writeCsvFiles(World.corpus(23), directory)
    rmSync(manifestOf(join(directory, 'users.csv')))
    expect(await test(csv), printed.join('\n')).toBe(0)
    expect(printed.find((line) => line.startsWith('users.csv: '))).toContain('it has no manifest, so nobody could tell 5 of the ways in which it is lost (the file ends between two rows, …)')
    expect(passed()).toBe(31)
  }, 120_000)

  it('finds the newest drop, which needs its manifest', async () => {
    rmSync(join(directory, 'drops'), { recursive: true, force: true })
    for (const [day, accounts] of [['2026-11-25', 9], ['2026-11-26', 23]] as const) writeDrop(day, accounts)
    expect(await test({ connector: 'csv', with: csvSettings('drops/*/') }), printed.join('\n')).toBe(0)
    expect(passed()).toBe(38)
    expect(printed.some((line) => line.startsWith('ok     drops/*/users.csv: the manifest is missing (accounts partial'))).toBe(true)
  }, 120_000)

  it('damages a copy of a database, table by table', async () => {
    const database = new DatabaseSync(join(directory, 'app.db'))
    database.exec(`CREATE TABLE people (id TEXT, name TEXT); CREATE TABLE teams (person TEXT, team TEXT); CREATE TABLE unread (x TEXT);
      INSERT INTO people VALUES ('ann', 'Ann'), ('bob', 'Bob'); INSERT INTO teams VALUES ('ann', 'sales')`)
    database.close()
    const streams = [
      { name: 'people', piece: 'account', query: 'SELECT id, name FROM people', columns: { id: 'id', display: 'name' } },
      { name: 'teams', piece: 'membership', query: 'SELECT person, team FROM teams', columns: { account: 'person', id: 'team' } },
    ]
    const before = readFileSync(join(directory, 'app.db'))
    expect(await test({ connector: 'sql', with: { driver: 'sqlite', file: 'app.db', streams } }), printed.join('\n')).toBe(0)
    expect(passed()).toBe(10)
    expect(printed.join('\n')).toContain('ok     table teams is missing (memberships partial')
    expect(printed.join('\n')).not.toContain('unread')
    expect(readFileSync(join(directory, 'app.db')).equals(before)).toBe(true)
  }, 120_000)
})

describe('of answers that are kept', () => {
  const kept = join(directory, 'kept')
  const secret = hostileToken

  it('keeps them without secrets, and tests against them', async () => {
    const world = World.corpus(12)
    const server = await startHostile(restDialect(() => world, 'link'))
    // What an application has no business to tell, and tells.
    server.arm([new Fault('tells secrets', { list: 'users' }, ({ honest }) => {
      const { headers, json, ...answer } = honest()
      return { ...answer, headers: { ...headers, 'set-cookie': 'session=planted-session', 'x-csrf-token': 'planted-csrf' }, json: json as object }
    })])
    for (const user of world.users.values()) Object.assign(user, { password: 'planted-password', note: `ghp_${'a'.repeat(36)}`, echo: `Bearer ${secret}` })
    vi.stubEnv('HOSTILE_TOKEN', secret)
    try {
      expect(await test({ connector: 'rest', with: restSettings(server.url, 'link') }, '--record', kept), printed.join('\n')).toBe(0)
    } finally {
      await server.stop()
    }
    expect(passed()).toBeGreaterThan(80)
    const all = readdirSync(kept).map((name) => readFileSync(join(kept, name), 'utf8')).join('\n')
    for (const planted of [secret, 'planted', 'ghp_', server.url]) expect(all.includes(planted), planted).toBe(false)
    expect(all).toContain('Bearer recorded')
    expect(all.match(/"password": "<secret [0-9a-f]{16}>"/g)?.length).toBeGreaterThan(10)
  }, 300_000)

  it('needs neither application nor secrets then', async () => {
    vi.stubEnv('HOSTILE_TOKEN', undefined)
    expect(await test({ connector: 'rest', with: restSettings('http://127.0.0.1:9', 'link') }, '--recorded', kept), printed.join('\n')).toBe(0)
    expect(passed()).toBeGreaterThan(80)
    expect(printed.some((line) => line.startsWith('ok     one account: 403 ('))).toBe(true)
  }, 300_000)

  it('fails a connector that takes an error for the end of a list, and names the scenarios', async () => {
    writeFileSync(join(directory, 'careless.ts'), careless)
    expect(await test({ connector: './careless.ts', with: { baseUrl: 'http://127.0.0.1:9/admin' } }, '--recorded', kept)).toBe(1)
    expect(printed.join('\n')).toMatch(/FAILED a row comes twice and another one not\n.*\n +account 000123 is missing, and accounts are called complete/)
    expect(printed.at(-1)).toMatch(/^the connector of app fails \d+ scenarios$/)
  }, 300_000)

  it('says what is missing of a recording', async () => {
    const rest = { connector: 'rest', with: restSettings('http://127.0.0.1:9', 'link') }
    rmSync(join(kept, '0001.json'))
    expect(await test(rest, '--recorded', kept)).toBe(1)
    expect(printed.join()).toContain('0001.json can\'t be read (ENOENT): record again with')
    expect(await test(rest, '--recorded', join(directory, 'nowhere'))).toBe(1)
    expect(printed.join()).toContain('recording.json can\'t be read (ENOENT)')
  })
})

it.each([
  [{ connector: 'ldap', with: { url: 'ldap://127.0.0.1:9', bindDn: 'cn=x', password: 'env:X', accounts: [{ name: 'people', base: 'dc=x' }] } }, ['--record', 'x'], 'only answers by HTTP can be recorded'],
  [{ connector: 'csv', with: csvSettings('') }, ['--recorded', 'x'], 'let its settings name a copy of its files'],
  [{ connector: 'webhook', with: { baseline: 'declared' }, webhook: { verify: { kind: 'standard', secrets: ['env:X'] }, map: [{ piece: 'account', id: 'row.id' }] } }, [], 'hostile webhooks'],
])('says what it can not do: %j', async (app, options, why) => {
  expect(await test(app, ...options)).toBe(2)
  expect(printed.join()).toContain(why)
})

/** Reads pages until one can't be read. */
const careless = `
import { z } from '${import.meta.resolve('zod')}'
export default {
  kind: 'careless', summary: 'takes an error for the end', config: z.strictObject({ baseUrl: z.string() }),
  async open(config, platform) {
    async function* pages() {
      let url = config.baseUrl + '/users?limit=5'
      try {
        while (url !== null) {
          const answer = await platform.http.request({ url, method: 'GET' })
          yield { rows: JSON.parse(answer.body).items, place: url, total: null, start: null }
          url = /<([^>]+)>; rel="next"/.exec(answer.headers.link ?? '')?.[1] ?? null
        }
      } catch {}
    }
    const attributes = { kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {} }
    return { streams: [{ name: 'users', classes: ['accounts'], proof: 'cursor', pages, map: (row) => [{ piece: 'account', id: row.id, valid: null, attributes }] }], close: async () => undefined }
  },
}
`

function writeDrop(day: string, accounts: number): void {
  const folder = join(directory, 'drops', day)
  mkdirSync(folder, { recursive: true })
  writeCsvFiles(World.corpus(accounts), folder)
}
