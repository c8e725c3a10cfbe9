import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { openBridge, type Bridge } from '../adapters/store-clickhouse/http-bridge.ts'
import { startSchemaRegistry, type SchemaRegistryService } from '../services/apicurio.ts'
import { startKafka, type KafkaCluster } from '../services/kafka.ts'
import { heldTexts, placesOf } from '../support/held-texts.ts'

/** What docker-compose.yml starts, without containers: its config file in two processes on a real broker, a real registry, the real engine. */
const root = fileURLToPath(new URL('../../', import.meta.url))
const secrets = { GRANTLINE_TOKEN: 'the-token-of-the-test', CLICKHOUSE_PASSWORD: 'the-password-of-the-test' }
/** Where nobody expects one: somebody's display name, and that of an account that can't be mapped. */
const mapped = `ghp_${'Planted0'.repeat(5)}`
const prefix = `${randomUUID()}.`

interface Instance {
  child: ChildProcess
  said: () => string
  url: () => string | undefined
}

let directory: string
let seed: string
let kafka: KafkaCluster
let registry: SchemaRegistryService
let bridge: Bridge
const instances: Instance[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-distributed-'))
  seed = join(directory, 'seed')
  cpSync(join(root, 'examples/acme/seed'), seed, { recursive: true })
  appendFileSync(join(seed, 'hr-tool/users.csv'), `clara.planted,none,see ${mapped},yes,2020-01-01,2026-01-01\nrita.planted,none,see ${mapped},perhaps,2020-01-01,2026-01-01\n`)
  ;[kafka, registry] = await Promise.all([startKafka(), startSchemaRegistry()])
  bridge = await openBridge(join(directory, 'tables'))
}, 300_000)
afterAll(async () => {
  for (const { child } of instances) child.kill('SIGKILL')
  await bridge.close()
  await registry.stop()
  await kafka.stop()
  rmSync(directory, { recursive: true, force: true })
})

function start(name: string): Instance {
  const home = join(directory, name)
  mkdirSync(home)
  symlinkSync(seed, join(home, 'seed'))
  const text = readFileSync(join(root, 'deploy/grantline.yaml'), 'utf8')
    .replace('brokers: [kafka:9092]', `brokers: [${kafka.brokers.join(', ')}], prefix: "${prefix}", sessionSeconds: 10`)
    .replace('http://registry:8080/apis/ccompat/v7', registry.url)
    .replace('http://clickhouse:8123', bridge.url)
    .replace('host: 0.0.0.0, port: 7400', 'host: 127.0.0.1, port: 0')
    .replace('dataDir: /data', 'dataDir: ./data')
  writeFileSync(join(home, 'grantline.yaml'), text)
  const child = spawn(process.execPath, [join(root, 'src/cli/bin.ts'), 'run', '--config', join(home, 'grantline.yaml')], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...secrets } })
  let said = ''
  const listen = (chunk: Buffer): void => void (said += chunk.toString())
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const instance = { child, said: () => said, url: () => /HTTP API at (\S+);/.exec(said)?.[1] }
  instances.push(instance)
  return instance
}

async function running({ child, said }: Instance): Promise<void> {
  const deadline = performance.now() + 300_000
  while (!said().includes('running on')) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`an instance ended with ${child.exitCode ?? child.signalCode}: ${said()}`)
    if (performance.now() > deadline) throw new Error(`an instance does not run after 300 s: ${said()}`)
    await sleep(200)
  }
}

/** The value of each sample of a metric, by its labels. */
async function samples({ url }: Instance, metric: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url()}/metrics`)).text()
  return new Map([...text.matchAll(new RegExp(`^${metric}\\{(.*)\\} (\\S+)$`, 'gm'))].map(([, labels, value]) => [labels!, Number(value)]))
}

const tasks = async (instance: Instance): Promise<string[]> => [...(await samples(instance, 'grantline_task_up')).keys()].sort()

async function tables(): Promise<{ rows: number; positions: number; accounts: number; open: number }> {
  const store = await openStore({ url: bridge.url, database: 'grantline' })
  const Row = z.object({ rows: z.int(), positions: z.int(), accounts: z.int(), open: z.int() })
  try {
    const [row] = await store.query(
      `SELECT count() AS rows, uniqExact(topic, partition, offset, \`index\`) AS positions, (SELECT uniqExact(account) FROM access_now) AS accounts,
         (SELECT count() FROM findings_open) AS open
       FROM (SELECT topic, partition, offset, \`index\` FROM access_log UNION ALL SELECT topic, partition, offset, \`index\` FROM findings_log)`,
      {},
      Row,
    )
    return row!
  } finally {
    await store.close()
  }
}

it('two instances share the partitions; one that is killed is taken over, and every record is in the tables once', { timeout: 600_000 }, async () => {
  const [one, two] = [start('one'), start('two')]
  await Promise.all([running(one), running(two)])
  const all = ['entitle', 'normalise', 'reconcile', 'remediate'].flatMap((processor) => [0, 1, 2, 3].map((partition) => `processor="${processor}",partition="${partition}"`)).sort()
  const [first, second] = [await tasks(one), await tasks(two)]
  expect([...first, ...second].sort()).toEqual(all)
  expect(Math.min(first.length, second.length)).toBeGreaterThan(0)
  const before = await tables()
  expect(before.positions).toBe(before.rows)
  const accounts = readFileSync(join(seed, 'hr-tool/users.csv'), 'utf8').trim().split('\n').length - 1
  expect(before.accounts).toBeGreaterThan(accounts * 0.9)

  two.child.kill('SIGKILL')
  await expect.poll(() => tasks(one), { timeout: 120_000, interval: 1_000 }).toEqual(all)
  const asked = await fetch(`${one.url()}/v1/apps/hr/sync`, { method: 'POST', headers: { authorization: `Bearer ${secrets.GRANTLINE_TOKEN}` } })
  expect(asked.status).toBe(202)
  await expect.poll(async () => [...(await samples(one, 'grantline_runs_total'))].filter(([labels]) => labels === 'source="hr",verdict="complete"').reduce((sum, [, runs]) => sum + runs, 0), { timeout: 120_000, interval: 1_000 }).toBeGreaterThan(0)
  await expect.poll(async () => Math.max(...(await samples(one, 'grantline_consumer_lag_messages')).values()), { timeout: 120_000, interval: 1_000 }).toBeLessThan(8)
  const after = await tables()
  expect(after.positions).toBe(after.rows)
  expect({ accounts: after.accounts, open: after.open }).toEqual({ accounts: before.accounts, open: before.open })

  const exit = once(one.child, 'exit')
  one.child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  const home = join(directory, 'one')
  const config = await loadConfig(join(home, 'grantline.yaml'))
  const held = await heldTexts(config, secrets)
  for (const [n, { said }] of instances.entries()) held.set(`said by ${n}`, said())
  held.set('registry', await (await fetch(`${registry.url}/subjects`)).text())
  for (const secret of [...Object.values(secrets), mapped]) expect([secret, placesOf(held, secret)]).toEqual([secret, []])
  // a secret would have been found: who has one is
  const places = placesOf(held, '.planted')
  for (const place of ['topic raw', 'topic facts', 'topic access', 'topic findings', 'topic dead-letters', 'state of task/normalise/', 'state of task/reconcile/', 'table access_log', 'table findings_log', 'table dead_letters']) {
    expect([place, places.some((found) => found.startsWith(place))]).toEqual([place, true])
  }
  expect(held.get('table findings_log')).toContain('exposed-secret')
})
