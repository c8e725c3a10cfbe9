import { describe, expect, it } from 'vitest'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import type { Fault } from '../../src/hostile/fault-proxy.ts'
import type { Installation } from './installation.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'

const none: Fault = { kind: 'none' }
const reset = (afterBytes: number): Fault => ({ kind: 'reset', afterBytes })
const hang = (afterBytes: number): Fault => ({ kind: 'hang', afterBytes })
const delay: Fault = { kind: 'delay', ms: 30, pieceBytes: 4_096 }

/** One for each new connection: most of them are a producer's. */
const ofKafka: Fault[] = [none, reset(3_000), delay, hang(2_000), reset(700), none, delay, reset(20_000), none, hang(20_000), reset(0), delay, reset(1_500), none]
const ofClickhouse: Fault[] = [reset(0), delay, reset(300), hang(0), none, reset(1_000), delay, hang(200), none]
const rounds = isLong ? 5 : 1

export function network(lab: () => Lab): void {
  describe('connections that are cut, delayed and half open', () => {
    it('to Kafka and to ClickHouse, under one of two processes', { timeout: sceneMs }, async () => {
      const told = await lab().scene(async (of) => {
        const { kafka, clickhouse } = lab().services.proxies
        const { brokers, clickhouse: url } = lab().proxied
        const strokes = clickhouse.struck
        // the first few open the store, without which a process does not start
        clickhouse.plan(none, none, none, none, ...ofClickhouse, none)
        const troubled = of.start(0, { via: { brokers, clickhouse: url } })
        await troubled.says(/started/)
        for (let round = 0; round < rounds; round++) {
          const before = kafka.struck
          kafka.plan(...ofKafka, ...ofKafka, ...ofKafka, none)
          expect(kafka.cut()).toBeGreaterThan(10)
          if (round === 0) of.start(1)
          await expect.poll(() => kafka.struck - before, { timeout: 60_000 }).toBeGreaterThan(10)
        }
        await expect.poll(() => clickhouse.struck - strokes, { timeout: 60_000 }).toBeGreaterThan(2)
        for (const proxy of [kafka, clickhouse]) proxy.plan(none)
        await troubled.stop()
      })
      expect(told).toEqual([])
    })

    it('to the registry: a process does not start without one and says so; one that has started goes on, and what it has to ask waits', { timeout: sceneMs }, async () => {
      const { registry } = lab().services.proxies
      const told = await lab().scene(async (of) => {
        const via = { registry: lab().proxied.registry }
        for (const fault of [reset(0), hang(0)]) {
          const before = registry.struck
          registry.plan(fault)
          const one = of.start(0, { via })
          expect(await one.ends()).toMatchObject({ code: 3 })
          await one.kill()
          expect(one.said).toMatch(/the schema registry http\S+ failed: .*Is it up/)
          expect(registry.struck).toBeGreaterThan(before)
        }
        registry.plan(delay)
        const worker = of.start(0, { via })
        await worker.says(/started/)
        registry.plan(reset(0))
        registry.cut()
        const before = registry.struck
        await strange(of, lab().addresses.registry)
        await worker.says(/asking for schema \d+ at the schema registry/)
        expect(registry.struck).toBeGreaterThan(before)
        registry.plan(none)
        await worker.stop()
      })
      // when it could be asked, and not before
      expect(told).toEqual([expect.stringMatching(/more than expected, dead letter: .*undecodable-message/)])
    })
  })
}

/** A message by a schema of somebody else's, which only the registry knows. */
async function strange({ brokers, prefix }: Installation, registry: string): Promise<void> {
  const schema = JSON.stringify({ type: 'record', name: 'Strange', fields: [] })
  const answer = await fetch(`${registry}/subjects/strange-value/versions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ schema }) })
  const { id } = (await answer.json()) as { id: number }
  const value = Buffer.alloc(5)
  value.writeInt32BE(id, 1)
  const producer = createClient({ brokers, tls: null, sasl: null, log: () => undefined }, 'strange').producer()
  await producer.connect()
  await producer.send({ topic: `${prefix}raw`, messages: [{ partition: 0, key: 'x', value }] })
  await producer.disconnect()
}
