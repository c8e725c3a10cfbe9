import { describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import { groupOffsets } from './group-offsets.ts'
import type { Installation } from './installation.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'
import type { VariantName } from './variants.ts'
import { takenOverAsleep } from './zombies.ts'

const times = { sessionSeconds: 2, transactionSeconds: 30 }

/** A process dies early, and somebody's tool says that all there is was processed. */
export async function offsetsMoved(of: Installation, variant: VariantName | null): Promise<void> {
  await of.start(0, { variant, fault: { point: 'kafka.after-offsets', nth: 150, signal: 'SIGKILL' } }).faulted()
  const offsets = groupOffsets(of)
  const deadline = performance.now() + 30_000
  for (;;) {
    try {
      await offsets.moveToEnd()
      break
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(500) // the dead one is a member still
    }
  }
  const next = of.start(0, { variant, drain: true })
  await next.ends()
  await next.stop()
}

/** Two producers that nobody knows write to the topics in turn, what no codec wrote; the later one gives up first. */
export async function abortedPoison(of: Installation, variant: VariantName | null): Promise<void> {
  const worker = of.start(0, { variant })
  await worker.says(/started/)
  const kafka = createClient({ brokers: of.brokers, tls: null, sasl: null, log: () => undefined }, 'strange')
  const producers = await Promise.all(['a', 'b'].map(async (name) => {
    const producer = kafka.producer({ transactionalId: `${of.prefix}strange/${name}`, maxInFlightRequests: 1 })
    await producer.connect()
    return producer
  }))
  const transactions = await Promise.all(producers.map((producer) => producer.transaction()))
  for (const transaction of transactions) {
    for (const topic of ['raw', 'facts']) await transaction.send({ topic: `${of.prefix}${topic}`, messages: [{ partition: 0, key: 'x', value: 'not a record' }] })
  }
  for (const transaction of transactions.reverse()) {
    await transaction.abort()
    // the answer comes before the marker lies in the log, and the brokers list what was aborted by the markers: in the order of the beginnings nothing gets through
    await sleep(1_000)
  }
  await Promise.all(producers.map((producer) => producer.disconnect()))
  const next = of.start(1, { variant, drain: true })
  await worker.stop()
  await next.ends()
  await next.stop()
}

/** A process dies while the engine carries its insert out; the rows land when the next one has looked at the table, or `withinMs`. */
export async function landsLate(lab: Lab, of: Installation, variant: VariantName | null, withinMs: number): Promise<void> {
  const landing = Promise.withResolvers<undefined>()
  const begun = Promise.withResolvers<null>()
  let isBegun = false
  lab.services.bridge.fault = (sql) => {
    if (isBegun || !sql.startsWith('INSERT INTO `access_log`')) {
      if (isBegun && sql.includes('AS held_in') && sql.includes('access_log')) setTimeout(() => landing.resolve(undefined), 200)
      return 'none'
    }
    isBegun = true
    begun.resolve(null)
    setTimeout(() => landing.resolve(undefined), withinMs)
    return 'slow'
  }
  lab.services.bridge.landing = () => landing.promise
  const first = of.start(0, { variant })
  await begun.promise
  await first.kill()
  const next = of.start(0, { variant, drain: true })
  await next.ends()
  await next.stop()
}

export function knownBad(lab: () => Lab): void {
  describe('the checker', () => {
    // nobody fences what the sleeper left open: the brokers have to end it before anybody gets on
    it('sees a transactional id for each process in place of each partition', { timeout: sceneMs }, async () => {
      const told = await lab().scene((of) => takenOverAsleep(of, { point: 'runtime.before-commit', nth: 60 }, 'idPerProcess'), { ...times, transactionSeconds: 5 })
      expect(told.join('\n')).toMatch(/"kind":"(changed|extra)"/)
    })

    it('sees records of aborted transactions that kafkajs lets through', { timeout: sceneMs }, async () => {
      const told = await lab().scene(async (of) => {
        await abortedPoison(of, 'unrepaired')
      }, times)
      expect(told.join('\n')).toContain('undecodable-message')
    })

    if (isLong) {
      it('sees a position that is taken from the consumer group', { timeout: sceneMs }, async () => {
        expect(await lab().scene((of) => offsetsMoved(of, 'positionFromGroup'), times)).not.toEqual([])
      })

      it('sees a position that is committed before the outputs', { timeout: sceneMs }, async () => {
        const told = await lab().scene((of) => of.start(0, { variant: 'autoCommit', fault: { point: 'variant', nth: 3, signal: 'SIGKILL' } }).faulted(), times)
        expect(told.join('\n')).toContain('"kind":"missing"')
      })
    }

    it('sees a sink that inserts under an old epoch', { timeout: sceneMs }, async () => {
      const told = await lab().scene((of) => takenOverAsleep(of, { point: 'sink.before-insert', nth: 3 }, 'oldEpoch'), times)
      expect(told.join('\n')).toContain('"kind":"doubled"')
    })

    if (isLong) {
      it('sees a sink that does not wait for what its predecessor began', { timeout: sceneMs }, async () => {
        const told = await lab().scene((of) => landsLate(lab(), of, 'impatientSink', 60_000), times)
        expect(told.join('\n')).toContain('"kind":"doubled"')
      })
    }
  })
}
