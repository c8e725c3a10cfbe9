import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { openKit } from '../../src/cli/open-kit.ts'
import { scenariosFor } from '../../src/conformance/scenarios.ts'
import { singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import type { Trait } from '../../src/conformance/scenario.ts'
import { orders } from '../../src/conformance/write-order.ts'
import { writeScenarios } from '../../src/conformance/write-scenarios.ts'
import { hostileToken, restDialect } from '../../src/hostile/rest-dialect.ts'
import { startHostile } from '../../src/hostile/server.ts'
import { World } from '../../src/hostile/world.ts'
import { restSettings } from '../conformance/subjects.ts'
import { ensuringServed } from '../conformance/write-subjects.ts'
import { captured } from './captured.ts'

const cache = fileURLToPath(new URL('../../.cache/', import.meta.url))
let directory: string
const printed: string[] = []
beforeAll(() => {
  mkdirSync(cache, { recursive: true })
  directory = mkdtempSync(join(cache, 'connector-')) // below the project: what is written imports its packages
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const run = (...argv: string[]): Promise<number> => captured(printed, argv)

describe('grantline connector new', () => {
  it('writes a connector that passes every scenario as it is, and a test that says so', async () => {
    expect(await run('connector', 'new', 'billing', '--dir', directory)).toBe(0)
    expect(printed).toEqual([join(directory, 'billing', 'connector.ts'), join(directory, 'billing', 'connector.test.ts')])
    expect(readFileSync(printed[1]!, 'utf8')).toContain('scenariosFor')
    const traits: Trait[] = ['http', 'pages', 'total', 'position', 'world', 'names']
    const open = await openKit({
      name: 'billing', traits, env: { TOKEN: hostileToken },
      dialect: (world) => restDialect(world, 'offset'),
      app: (url) => configureApp('billing', AppConfig.parse({ connector: './connector.ts', with: { baseUrl: `${url}/admin`, token: 'env:TOKEN', pageSize: 5 } }), join(directory, 'billing')),
    })
    const wrong: Record<string, string[]> = {}
    for (const scenario of scenariosFor(new Set(traits))) {
      const result = await open.kit.run(scenario)
      if (result.wrong.length > 0) wrong[scenario.name] = result.wrong
    }
    await open.stop()
    expect(wrong).toEqual({})
  }, 300_000)

  it('has kits for what a connector writes and reads singly, once it does', async () => {
    const { app, ...served } = ensuringServed()
    const open = await openKit({ ...served, env: { HOSTILE_TOKEN: hostileToken }, app: (url) => configureApp('app', AppConfig.parse(app(url)), directory) })
    const lost = writeScenarios.find(({ name }) => name === 'carried out, no answer')!
    expect((await open.writes.run(lost, orders.find(({ name }) => name === 'grant')!)).wrong).toEqual([])
    expect((await open.observe.single(singleScenariosFor(new Set())[0]!)).wrong).toEqual([])
    await open.stop()
  })

  it('overwrites nothing, and refuses a name that is none', async () => {
    expect(await run('connector', 'new', 'twice', '--dir', directory)).toBe(0)
    expect(await run('connector', 'new', 'twice', '--dir', directory)).toBe(2)
    expect(printed.join()).toContain('is there already')
    expect(await run('connector', 'new', '../evil', '--dir', directory)).toBe(2)
  })
})

describe('grantline connector test', () => {
  it('asks the application once, and runs what fits against what it answered', async () => {
    const world = World.corpus(23)
    const server = await startHostile(restDialect(() => world, 'link'))
    const file = join(directory, 'grantline.yaml')
    const config = { dataDir: './data', apps: { portal: { connector: 'rest', with: restSettings(server.url, 'link') } }, feeds: {} }
    writeFileSync(file, JSON.stringify(config))
    vi.stubEnv('HOSTILE_TOKEN', hostileToken)
    try {
      expect(await run('connector', 'test', 'portal', '-c', file), printed.join('\n')).toBe(0)
    } finally {
      vi.unstubAllEnvs()
      await server.stop()
    }
    expect(printed.at(-1)).toMatch(/^\d+ passed, 0 failed/)
    expect(Number(printed.at(-1)!.split(' ')[0])).toBeGreaterThan(80)
    expect(printed.some((line) => line.startsWith('ok     one account: 403 ('))).toBe(true)
    expect(server.asked.length).toBeLessThan(20)
  }, 300_000)
})

describe('grantline hostile', () => {
  it('lists what can go wrong, and refuses what is not among it', async () => {
    expect(await run('hostile', '--list')).toBe(0)
    expect(printed.length).toBeGreaterThan(150)
    expect(printed.some((line) => line.startsWith('writes: carried out, no answer ') && line.includes('applied'))).toBe(true)
    for (const name of ['one account: 500 once', 'changes: the cursor runs back']) expect(printed.some((line) => line.startsWith(`${name} `)), name).toBe(true)
    const names = printed.map((line) => line.slice(0, 70).trim())
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
    expect(await run('hostile', '--fault', 'nothing of the kind')).toBe(2)
    expect(printed.join()).toContain('--list')
  })

  it('serves until it is stopped, and then says how often each fault happened', async () => {
    const over = run('hostile', '--paging', 'page', '--accounts', '50', '--fault', 'throttled once, no header')
    await vi.waitFor(() => expect(printed.length).toBe(2))
    const url = printed[0]!.split(',')[0]!
    const ask = () => fetch(`${url}/users?limit=10&page=1`, { headers: { authorization: `Bearer ${hostileToken}` } })
    expect((await ask()).status).toBe(429)
    expect(await (await ask()).json()).toMatchObject({ total: 50 })
    process.emit('SIGINT')
    expect(await over).toBe(0)
    expect(printed.at(-1)).toBe('throttled once, no header: happened 1 times')
  })

  it('goes wrong with single accounts and with changes too', async () => {
    const over = run('hostile', '--accounts', '50', '--fault', 'one account: 500 once', 'changes: the cursor stands still')
    await vi.waitFor(() => expect(printed.length).toBe(3))
    const url = printed[0]!.split(',')[0]!
    const ask = (path: string) => fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${hostileToken}` } })
    expect((await ask('users?limit=10')).status).toBe(200)
    expect((await ask('users/000123')).status).toBe(500)
    expect((await ask('users/000123')).status).toBe(200)
    expect(await (await ask('changes?after=0')).json()).toMatchObject({ last: 0 })
    process.emit('SIGINT')
    expect(await over).toBe(0)
    expect(printed.slice(-2)).toEqual(['500 once: happened 1 times', 'the cursor stands still: happened 1 times'])
  })

  it('is a realm of Keycloak too', async () => {
    const over = run('hostile', '--paging', 'keycloak', '--accounts', '50', '--fault', 'a total that is too high')
    await vi.waitFor(() => expect(printed.length).toBe(2))
    const url = printed[0]!.split(',')[0]!
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'grantline', client_secret: hostileToken })
    const { access_token: token } = (await (await fetch(`${url}/realms/hostile/protocol/openid-connect/token`, { method: 'POST', body: form })).json()) as { access_token: string }
    const ask = async (path: string): Promise<unknown> => await (await fetch(`${url}/admin/realms/hostile/${path}`, { headers: { authorization: `Bearer ${token}` } })).json()
    // every seventh is the service account of a client
    expect(await ask('users?first=0&max=100')).toHaveLength(43)
    expect(await ask('users/count')).toBe(44)
    process.emit('SIGINT')
    expect(await over).toBe(0)
    expect(printed.at(-1)).toBe('a total that is too high: happened 1 times')
  })
})
