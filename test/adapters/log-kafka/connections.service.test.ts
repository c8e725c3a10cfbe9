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
