import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestTimeoutMs } from '../../../src/adapters/log-kafka/client.ts'
import { freePort } from '../../services/free-port.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../../services/kafka.ts'
import { startFaultProxy, type FaultProxy, type Strike } from '../../../src/hostile/fault-proxy.ts'
import { newInstallation, type Installation } from './installation.ts'

let cluster: KafkaCluster
let proxy: FaultProxy
let installation: Installation
beforeAll(async () => {
  const port = await freePort()
  proxy = await startFaultProxy(port)
  cluster = await launchKafka(await fetchKafka(), { proxied: { port, advertised: proxy.port } })
  installation = await newInstallation([`127.0.0.1:${proxy.port}`])
}, 300_000)
afterAll(async () => {
  await proxy.stop()
  await cluster.stop()
})

/** A request of this API key, of which the transactional id is the first field. */
const asking = (apiKey: number, id: string): RegExp => new RegExp(`^....\\x00${String.fromCharCode(apiKey)}[^]*${id}`, 's')
const FIND_COORDINATOR = 10
const PRODUCE = 0
const END_TRANSACTION = 26

it.each(['unsent', 'unheard'] as const)('a task is opened although its question for the coordinator is %s', { timeout: 120_000 }, async (then: Strike['then']) => {
  const log = await installation.open(then)
  const before = proxy.struck
  proxy.strike({ of: asking(FIND_COORDINATOR, 'task/normalise/0'), then })
  const task = await log.openTask('task/normalise/0')
  expect(proxy.struck).toBe(before + 1)
  await task.commit({ appends: [{ topic: 'facts', partition: 0, key: null, timestamp: 1, value: Uint8Array.of(1) }], state: new Map() })
  await log.close()
})

it('a connection on which an answer does not come is given up for another one, and what was written counts once', { timeout: 120_000 }, async () => {
  const log = await installation.open('half-open', { transactionTimeoutMs: 3 * requestTimeoutMs })
  const id = 'task/normalise/1'
  const task = await log.openTask(id)
  const before = proxy.struck
  proxy.strike({ of: asking(PRODUCE, id), then: 'half-open' })
  const begun = performance.now()
  await task.commit({ appends: [{ topic: 'facts', partition: 1, key: null, timestamp: 1, value: Uint8Array.of(1) }], state: new Map() })
  expect(proxy.struck).toBe(before + 1)
  expect(performance.now() - begun).toBeLessThan(2 * requestTimeoutMs)
  expect(await log.read('facts', 1, 0, { maxMessages: 10, maxBytes: 1_000 })).toHaveLength(1)
  await log.close()
})

/**
 * The request that ends a transaction has no number: one that comes late ends whichever is open (jepsen.io/analyses/bufstream-0.1.0). So who does not know
 * how one ended takes a new producer, which an older request is no longer for.
 */
it.each(['unsent', 'unheard', 'overdue'] as const)('a transaction whose end is %s has happened or has not, and those after it are whole', { timeout: 120_000 }, async (then: Strike['then']) => {
  const log = await installation.open(`end-${then}`)
  const id = 'task/normalise/2'
  let task = await log.openTask(id)
  const place = { topic: 'facts', partition: 2 } as const
  const from = await log.end(place.topic, place.partition)
  const bytes = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255)
  const numberOf = (value: Uint8Array): number => value[0]! * 256 + value[1]!
  const commit = (n: number): Promise<unknown> =>
    task.commit({ appends: [{ ...place, key: null, timestamp: 1, value: bytes(n) }], state: new Map([['a/n', bytes(n)]]) })
  await commit(1)
  const before = proxy.struck
  proxy.strike({ of: asking(END_TRANSACTION, id), then, lateMs: 1_500 })
  await expect(commit(2)).rejects.toThrow()
  task = await log.openTask(id)
  const landed = numberOf(task.state.get('a/n')!)
  expect(landed).toBe(then === 'unheard' ? 2 : 1)
  let last = landed
  for (const deadline = performance.now() + 3_000; performance.now() < deadline; ) await commit(++last)
  expect(proxy.struck).toBe(before + 1)
  const found: number[] = []
  for (let offset = from; ; ) {
    const messages = await log.read(place.topic, place.partition, offset, { maxMessages: 1_000, maxBytes: 1_000_000 })
    if (messages.length === 0) break
    found.push(...messages.map(({ value }) => numberOf(value)))
    offset = messages.at(-1)!.offset + 1
  }
  expect(found).toEqual(Array.from({ length: last }, (_, i) => i + 1))
  expect(numberOf(task.state.get('a/n')!)).toBe(last)
  await log.close()
})
