import type { FactRecord } from '../../schemas/wire/facts.ts'
import type { Log } from '../../src/ports/log.ts'
import { stages } from '../model/checks.ts'
import type { History } from '../model/history.ts'
import { Player } from '../model/player.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { partitionsOf } from './history.ts'
import { codec } from './logs.ts'

export const playedPartitions = partitionsOf({}, 2)

/** The facts that the real processors gave in a history, by partition. */
export function factsOf(history: History): FactRecord[][] {
  const player = new Player(history, { stages, partitions: playedPartitions.facts })
  player.play()
  return Array.from({ length: playedPartitions.facts }, (_, partition) => {
    const facts: FactRecord[] = []
    for (let offset = 0; ; offset++) {
      const record = player.topology.recordAt({ topic: 'facts', partition, offset, index: 0 })
      if (record === undefined) return facts
      facts.push(record as FactRecord)
    }
  })
}

/** A log of these facts. A message holds `size` of them; where one is left out (null) its place is empty. */
export async function logOf(facts: readonly (readonly (FactRecord | null)[])[], size = 1): Promise<Log> {
  const log = new MemoryLog(playedPartitions)
  const writer = await log.openTask('facts')
  for (const [partition, all] of facts.entries()) {
    for (let at = 0; at < all.length; at += size) {
      const records = all.slice(at, at + size).filter((record) => record !== null)
      await writer.commit({ appends: [{ topic: 'facts', partition, key: null, timestamp: 0, value: codec.encode('facts', records) }], state: new Map() })
    }
  }
  return log
}
