import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { startApi, type ApiServer } from '../connectors/rest/api-server.ts'
import { heldTexts, placesOf } from '../support/held-texts.ts'
import { Shell } from './shell.ts'

/** Where a secret can come from: the configuration, the application's answers, good and bad, and a rotation. */
const planted = {
  key: 'planted-key-of-the-application',
  hook: 'planted-key-of-its-webhooks',
  token: 'planted-token-of-the-http-api',
  mapped: `ghp_${'Planted0'.repeat(5)}`,
  unmapped: 'planted-in-a-field-that-nobody-maps',
  rejected: 'planted-in-a-row-that-is-rejected',
  old: 'planted-secret-before-the-rotation',
  rotated: 'planted-secret-that-a-rotation-made',
}

let shell: Shell
let server: ApiServer
const madeAt = Date.UTC(2024, 0, 1)
const key = { secret: planted.old, created: madeAt }
/** Harmless: what is known of her is where a secret of hers would be. */
const clara = { login: 'clara', kind: 'human', name: 'Clara', secret: planted.unmapped, roles: ['reader'], keys: [] }
const harmless = ['robot', 'clara', 'vault', 'waiting']
let failures = 0

beforeAll(async () => {
  shell = new Shell()
  server = await startApi(({ method, path, headers }) => {
    // an error that quotes what it was sent
    if (headers['x-key'] !== planted.key || (path === '/users' && failures++ < 2)) return { status: 503, body: { error: `no: ${JSON.stringify(headers)}` } }
    if (path === '/users' || path === '/waiting' || path === '/users/robot') {
      const robot = { login: 'robot', kind: 'service', name: `see ${planted.mapped}`, secret: planted.unmapped, roles: [], keys: [{ id: 'k1', created: path === '/waiting' ? madeAt : key.created, value: key.secret }] }
      return path !== '/users/robot' ? { body: { data: [robot, clara, { login: { text: planted.rejected } }], total: 3 } } : { body: robot }
    }
    if (path === '/keys/k1' && method === 'GET') return { body: { created: key.created, value: key.secret } }
    if (path === '/keys/k1/rotate') {
      Object.assign(key, { secret: planted.rotated, created: Date.now() })
      return { body: { secret: key.secret } }
    }
    return { status: 404, body: { error: 'none' } }
  })
  process.env['PLANTED_KEY'] = planted.key
  process.env['PLANTED_HOOK'] = planted.hook
  writeFileSync(join(shell.directory, 'token'), planted.token)
  const users = { piece: 'account', id: 'row.login', kind: 'row.kind', display: 'row.name' }
  const roles = { piece: 'grant', for: 'row.roles', account: 'row.login', entitlement: 'item' }
  const keys = { piece: 'credential', for: 'row.keys', account: 'row.login', id: 'item.id', kind: '"key"', created: 'millis(item.created)' }
  const served = (path: string): object => ({
    baseUrl: server.url, auth: { kind: 'header', name: 'X-Key', secret: 'env:PLANTED_KEY' }, handOver: './handed-over',
    streams: [{ name: 'users', path, rows: 'body.data', total: 'body.total', map: [users, roles, keys] }],
    one: [{ path: '/users/${id}', like: 'users' }],
    write: {
      'rotate-credential': [{
        name: 'rotate', read: '/keys/${credential}', holds: 'string(int(read.body.created)) != attributes.created', method: 'POST', path: '/keys/${credential}/rotate', newSecret: 'body.secret',
      }],
    },
  })
  const config = {
    dataDir: './data', partitions: 1, tickSeconds: 0.2, http: { port: 0, token: 'file:token' },
    apps: {
      vault: {
        connector: 'rest', everySeconds: 2,
        webhook: { verify: { kind: 'hmac', secrets: ['env:PLANTED_HOOK'] }, accounts: 'body.login' },
        remedy: { policy: { kinds: { 'stale-credential': 'auto' } }, staleCredential: 'rotate', settleSeconds: 0, visibilitySeconds: 0 },
        with: served('/users'),
      },
      // the same, where a person has to decide and nobody does
      waiting: { connector: 'rest', everySeconds: 2, remedy: { policy: { kinds: { 'stale-credential': 'approve' } }, staleCredential: 'rotate' }, with: served('/waiting') },
    },
    policy: { credentialMaxAgeDays: 90, dormantAfterDays: null },
  }
  writeFileSync(join(shell.directory, 'grantline.yaml'), JSON.stringify(config))
})
afterAll(async () => {
  Reflect.deleteProperty(process.env, 'PLANTED_KEY')
  Reflect.deleteProperty(process.env, 'PLANTED_HOOK')
  shell.close()
  await server.stop()
})

it('no planted secret is printed, logged, measured, reported or kept, but for the rotated one, which its owner finds', { timeout: 240_000 }, async () => {
  const running = shell.start('run', '--log-level', 'trace')
  const file = join(shell.directory, 'handed-over', 'robot@k1')
  await vi.waitFor(() => expect([existsSync(file), running.errors()]).toEqual([true, expect.stringContaining('running on')]), { timeout: 120_000, interval: 200 })
  await vi.waitFor(async () => expect((await shell.grantline('actions', 'list', '-o', 'json')).out).toContain('"verified"'), { timeout: 60_000, interval: 1_000 })
  await vi.waitFor(async () => expect((await shell.grantline('plan')).out).toContain('robot'), { timeout: 60_000, interval: 1_000 })
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([planted.rotated, 0o600])

  const { url } = JSON.parse(readFileSync(join(shell.directory, 'data', 'api.json'), 'utf8')) as { url: string }
  const unsigned = await fetch(`${url}/v1/webhooks/vault`, { method: 'POST', headers: { 'x-github-delivery': 'd1', 'x-hub-signature-256': 'sha256=00' }, body: planted.unmapped })
  const told = new Map([['refusal', await unsigned.text()], ['metrics', await (await fetch(`${url}/metrics`)).text()]])
  for (const args of [['connectors', '-o', 'json'], ['actions', 'list', '-o', 'json'], ['findings', '-o', 'json'], ['access', '-o', 'json'], ['dlq', 'list', '-o', 'json'], ['sync-runs', '-o', 'json'], ['plan']]) {
    const { code, out, err } = await shell.grantline(...args)
    expect([args, code]).toEqual([args, 0])
    told.set(args.join(' '), out + err)
  }
  const actions = JSON.parse(told.get('actions list -o json') ?? '[]') as { id: string; app: string }[]
  const action = actions.find(({ app }) => app === 'vault')
  told.set('actions show', (await shell.grantline('actions', 'show', action!.id, '-o', 'json')).out)
  running.child.kill('SIGINT')
  const { code, out, err } = await running.result
  expect(code).toBe(0)
  told.set('run', out + err)
  // the token of the HTTP API is for the other commands, in a file of its owner only; the process that ended took it away
  for (const [place, text] of await heldTexts(await loadConfig(join(shell.directory, 'grantline.yaml')))) told.set(place, text)
  for (const [what, secret] of Object.entries(planted)) expect([what, placesOf(told, secret)]).toEqual([what, []])
  // a secret would have been found: what is harmless is
  const found = new Set(harmless.flatMap((text) => placesOf(told, text)))
  const notFound = [...told.keys()].filter((place) => !place.startsWith('file ') && !found.has(place))
  expect(notFound).toEqual(['refusal', 'topic lag', 'topic rulings', 'state of publisher/api', 'state of publisher/app/vault', 'state of publisher/app/waiting', 'table lag_samples', 'table ruling_log', 'table schema_migrations', 'table sink_epochs', 'table sink_log'])
  expect([...found]).toEqual(expect.arrayContaining(['file log/log.mdb']))
  expect(told.get('refusal')).toContain('signature')
  expect(told.get('metrics')).toContain('grantline_writes_total{source="vault",verdict="applied"} 1')
  expect(told.get('run')).toMatch(/"level":\d+.*"event":"request"/)
  expect(told.get('run')).toContain('answered 503')
  expect(told.get('findings -o json')).toContain('exposed-secret')
  expect(told.get('actions show')).toContain('rotate-credential')
})
