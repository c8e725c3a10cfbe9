import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { z } from 'zod'
import { topicNames } from '../../schemas/wire/topics.ts'
import { openDataDirectory, roleNames, startGrantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { scenarios } from '../../src/conformance/scenarios.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import { refuse } from '../../src/hostile/effects.ts'
import { Fault } from '../../src/hostile/fault.ts'
import { hostileToken, restDialect } from '../../src/hostile/rest-dialect.ts'
import { startHostile } from '../../src/hostile/server.ts'
import { World } from '../../src/hostile/world.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { restSettings } from './subjects.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-secrets-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** In a mapped value, in a field that is not mapped, in a row that can't be mapped, and in an id of a credential. */
const planted = {
  mapped: `ghp_${'Planted0'.repeat(5)}`,
  unmapped: 'planted-in-a-field-that-nobody-maps',
  rejected: 'planted-in-a-row-that-is-rejected',
  credential: `sk_live_${'PlantedKey'.repeat(2)}`,
  body: 'planted-in-the-body-of-an-error',
}

it('no secret reaches a topic, a table, a report, an event or a file, whatever goes wrong meanwhile', async () => {
  const world = World.corpus(40)
  const [first, second, third] = [...world.users.values()]
  world.put({ ...first!, mail: `see ${planted.mapped}`, ...{ password: planted.unmapped } })
  world.put({ ...second!, ...{ created: planted.rejected } })
  world.put({ ...third!, keys: [{ id: planted.credential, created: '2024-01-01T00:00:00Z', expires: '2027-01-01T00:00:00Z' }] })
  const server = await startHostile(restDialect(() => world, 'offset'))
  const file = join(directory, 'grantline.yaml')
  const app = { connector: 'rest', everySeconds: 3_600, with: { ...restSettings(server.url, 'offset'), auth: { kind: 'oauth2', tokenUrl: `${server.url}/token`, clientId: 'grantline', clientSecret: 'env:HOSTILE_TOKEN', send: 'body' } } }
  writeFileSync(file, JSON.stringify({ dataDir: join(directory, 'data'), partitions: 1, tickSeconds: 1, apps: { portal: app }, feeds: {} }))
  const config = await loadConfig(file)
  const events: ConnectEvent[] = []
  const troubles: string[] = []
  const texts: string[] = []
  const grantline = await startGrantline(config, {
    clock: systemClock, env: { HOSTILE_TOKEN: hostileToken }, release: 'test', roles: new Set(roleNames), onConnectEvent: (event) => events.push(event), onTrouble: (what) => troubles.push(what),
  })
  try {
    await grantline.drained()
    const wanted = new Set(['JSON that ends in the middle, for good', '400 in the middle', 'the id field has another name', '401 for good'])
    for (const scenario of scenarios.filter(({ name }) => wanted.has(name))) {
      server.arm(scenario.faults(world))
      await grantline.api.sync('portal')
      await grantline.drained()
    }
    server.arm([new Fault('an error that quotes', { list: 'users', from: 1 }, refuse(400, {}, { error: planted.body }))])
    await grantline.api.sync('portal')
    await grantline.drained()
    for (const report of ['findings', 'access', 'sync-runs', 'dead-letters']) texts.push(await grantline.api.report(report, {}, 'json', 200))
  } finally {
    await grantline.stop()
    await server.stop()
  }
  const opened = await openDataDirectory(config, {}, { tables: true })
  const { log, codec, store } = opened
  try {
    for (const topic of topicNames) {
      for (let partition = 0; partition < log.partitions[topic]; partition++) {
        for await (const { record } of readPartition(log, codec, topic, partition)) texts.push(JSON.stringify(record))
      }
    }
    const tables = await store.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'", {}, z.object({ name: z.string() }))
    expect(tables.length).toBeGreaterThan(3)
    for (const { name } of tables) texts.push(...(await store.query(`SELECT toString(tuple(*)) AS row FROM \`${name}\``, {}, z.object({ row: z.string() }))).map(({ row }) => row))
  } finally {
    await opened.close()
  }
  texts.push(...events.map((event) => JSON.stringify(event)), ...troubles)

  const secrets = [...Object.values(planted), hostileToken]
  for (const secret of secrets) expect(texts.filter((text) => text.includes(secret)), `${secret.slice(0, 8)}… in what is told`).toEqual([])
  for (const secret of secrets) expect(filesWith(join(directory, 'data'), secret), `${secret.slice(0, 8)}… in files`).toEqual([])
  const letters = texts.filter((text) => text.includes('"secret-like"')).join()
  expect(letters).toContain('account.values.mail')
  expect(letters).toContain('credential.id')
}, 180_000)

function filesWith(root: string, secret: string): string[] {
  return readdirSync(root, { recursive: true }).map((name) => join(root, String(name))).filter((path) => statSync(path).isFile() && readFileSync(path).includes(secret))
}
