import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../services/free-port.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../../services/kafka.ts'
import { startFaultProxy, type FaultProxy, type Strike } from '../../support/fault-proxy.ts'
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

it.each(['unsent', 'unheard'] as const)('a task is opened although its question for the coordinator is %s', { timeout: 120_000 }, async (then: Strike['then']) => {
  const log = await installation.open(then)
  const before = proxy.struck
  proxy.strike({ of: asking(FIND_COORDINATOR, 'task/normalise/0'), then })
  const task = await log.openTask('task/normalise/0')
  expect(proxy.struck).toBe(before + 1)
  await task.commit({ appends: [{ topic: 'facts', partition: 0, key: null, timestamp: 1, value: Uint8Array.of(1) }], state: new Map() })
  await log.close()
})
