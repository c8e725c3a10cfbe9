import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { Account } from '../../schemas/wire/raw.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { loadConfig } from '../../src/config/load.ts'
import { parcelsAt, truthOf } from '../../src/hostile/webhook-events.ts'
import { hookSecrets } from '../../src/hostile/webhook-sender.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { captured } from './captured.ts'
import { Shell } from './shell.ts'

const shell = new Shell()
afterAll(() => {
  shell.close()
  Reflect.deleteProperty(process.env, 'HOSTILE_HOOK')
})

/** Accounts as raw holds them last, of one application. */
async function told(file: string, app: string): Promise<Map<string, object>> {
  const opened = await openDataDirectory(await loadConfig(file), {}, { tables: false })
  const last = new Map<string, object>()
  try {
    for await (const { record } of readPartition(opened.log, opened.codec, 'raw', 0)) if (record?.type === 'Account' && record.app === app) last.set(record.id, saidOf(record))
  } finally {
    await opened.close()
  }
  return last
}

const saidOf = ({ native, attributes, memberships }: Account): object => ({
  id: native, name: attributes?.display, active: attributes?.status === 'active', groups: memberships?.added.map(({ ref }) => ref.id),
})

it('delivers to a running process, which then knows what the sender says it has to', async () => {
  const settings = JSON.parse((await shell.grantline('hostile', 'webhooks', '--settings')).out) as object
  const file = join(shell.directory, 'grantline.yaml')
  writeFileSync(file, JSON.stringify({ dataDir: join(shell.directory, 'data'), partitions: 1, http: { port: 0 }, apps: { sound: settings, robbed: settings }, feeds: {} }))
  process.env['HOSTILE_HOOK'] = hookSecrets.standard
  const running = shell.start('run')
  const receiver = await vi.waitFor(() => (JSON.parse(readFileSync(join(shell.directory, 'data', 'api.json'), 'utf8')) as { url: string }).url, { timeout: 60_000, interval: 200 })
  const send = (app: string, ...faults: string[]) => shell.grantline('hostile', 'webhooks', `${receiver}/v1/webhooks/${app}`, '--fault', ...faults)

  const sound = await send('sound', 'each is sent twice', 'neighbours change places')
  expect([sound.code, sound.err]).toEqual([0, ''])
  expect(sound.out.match(/taken, as it has to be \(204\)/g)).toHaveLength(12)
  expect(sound.out).toContain('nothing is lost')
  const robbed = await send('robbed', 'signed with another secret')
  expect(robbed.code).toBe(0)
  expect(robbed.out).toContain('msg-2    refused, as it has to be (401)')
  expect(robbed.out).toContain('to be told as lost: the last about 名前, number 3')
  await vi.waitFor(async () => {
    const health = JSON.parse((await shell.grantline('connectors', '-o', 'json')).out) as { source: string; deliveries: number; missingDeliveries: number }[]
    expect(health.map(({ source, deliveries, missingDeliveries }) => [source, deliveries, missingDeliveries]).sort()).toEqual([['robbed', 5, 1], ['sound', 6, 0]])
  }, { timeout: 30_000, interval: 500 })
  running.child.kill('SIGINT')
  await running.result

  const truth = truthOf(parcelsAt(0))
  expect(await told(file, 'sound')).toEqual(truth)
  expect([...(await told(file, 'robbed')).keys()].sort()).toEqual([...truth.keys()].filter((id) => id !== '名前').sort())
}, 180_000)

const printed: string[] = []

const grantline = (...argv: string[]): Promise<number> => captured(printed, argv)

describe('a receiver that', () => {
  /** Against one that answers so, one status after another, the last for ever. */
  async function sendTo(statuses: number[], ...options: string[]): Promise<number> {
    const server: Server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead((statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 500).end())
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    try {
      return await grantline('hostile', 'webhooks', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ...options)
    } finally {
      await new Promise((done) => server.close(done))
    }
  }

  it('takes what is forged is told', async () => {
    expect(await sendTo([204], '--scheme', 'hmac', '--fault', 'one byte changed on the way')).toBe(1)
    expect(printed).toContain('msg-2    TAKEN, and is forged (204)')
    expect(printed.at(-1)).toContain('wrong about 1')
  })

  it('refuses what is the application’s is told', async () => {
    expect(await sendTo([204, 401, 204])).toBe(1)
    expect(printed).toContain('msg-1    REFUSED, and is the application’s (401)')
    expect(printed.join()).toContain('to be told as lost: the last about a/b, number 2')
  })

  it('is busy is asked again', async () => {
    expect(await sendTo([503, 429, 204])).toBe(0)
    expect(printed.join()).toContain('nothing is lost')
  })
})

it('knows which faults there are, and of which scheme', async () => {
  expect(await grantline('hostile', 'webhooks', '--list')).toBe(0)
  expect(printed.some((line) => /^the last ones are never sent +named$/.test(line))).toBe(true)
  expect(await grantline('hostile', 'webhooks', 'http://127.0.0.1:9/', '--scheme', 'hmac', '--fault', 'signed long ago')).toBe(2)
  expect(printed.join()).toContain('--list')
  expect(await grantline('hostile', 'webhooks')).toBe(2)
  expect(printed.join()).toContain('/v1/webhooks/')
})
