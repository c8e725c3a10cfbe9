import { describe, expect, it } from 'vitest'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import { CompressionTypes } from '../../src/adapters/log-kafka/kafkajs.ts'
import type { Installation } from './installation.ts'
import { abortedPoison, landsLate, offsetsMoved } from './known-bad.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'
import { onSmallDisk } from '../support/small-disk.ts'

const downMs = isLong ? 60_000 : 8_000
const times = { sessionSeconds: 2, transactionSeconds: 30 }

/** Bytes that no codec wrote. */
async function poison({ brokers, prefix }: Installation, topics: readonly string[]): Promise<void> {
  const producer = createClient({ brokers, tls: null, sasl: null, log: () => undefined }, 'poison').producer()
  await producer.connect()
  for (const topic of topics) {
    await producer.send({ topic: `${prefix}${topic}`, compression: CompressionTypes.ZSTD, messages: [{ partition: 0, key: 'x', value: Buffer.from('\u0000\u0001 not a record') }] })
  }
  await producer.disconnect()
}

export function outages(lab: () => Lab): void {
  describe('what is not there for a while', () => {
    it('ClickHouse is down, then loses answers; meanwhile messages come that nobody can read', { timeout: sceneMs }, async () => {
      let refused = 0
      let lost = 0
      let inserts = 0
      const told = await lab().scene(async (of) => {
        const { bridge } = lab().services
        // from the first rows on
        let downUntil = Infinity
        bridge.fault = (sql) => {
          const isInsert = sql.startsWith('INSERT INTO `')
          if (isInsert && downUntil === Infinity) downUntil = performance.now() + downMs
          if (downUntil === Infinity) return 'none'
          if (performance.now() < downUntil) return (refused++, 'refused')
          return isInsert && inserts++ % 2 === 0 ? (lost++, 'lost') : 'none'
        }
        const worker = of.start(0)
        await worker.says(/started/)
        await poison(of, ['raw', 'facts'])
        await expect.poll(() => lost, { timeout: downMs + 60_000 }).toBeGreaterThan(1)
        await worker.stop()
      })
      expect(refused).toBeGreaterThan(3)
      expect(told).toEqual([expect.stringMatching(/more than expected, dead letter: .*undecodable-message/), expect.stringMatching(/more than expected, dead letter: .*undecodable-message/)])
    })

    if (isLong) {
      it('an insert that its owner did not live to see done lands late, before the next owner looks', { timeout: sceneMs }, async () => {
        expect(await lab().scene((of) => landsLate(lab(), of, null, 4_000), times)).toEqual([])
      })

      it('transactions of others are aborted, one within the other', { timeout: sceneMs }, async () => {
        expect(await lab().scene((of) => abortedPoison(of, null), times)).toEqual([])
      })

      it('the offsets of the consumer group are moved by somebody', { timeout: sceneMs }, async () => {
        expect(await lab().scene((of) => offsetsMoved(of, null), times)).toEqual([])
      })
    }

    it('the disk of the local copies is full', { timeout: sceneMs }, async () => {
      const told = await lab().scene(async (of) => {
        of.start(1)
        const full = of.start(0, { wrapper: onSmallDisk(of.home(0), 1) })
        await full.says(/tries again: .*Its disk is full \(\d+ KiB free\): make room there/)
        await full.kill()
      })
      expect(told).toEqual([])
    })
  })
}
