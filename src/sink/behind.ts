import { z } from 'zod'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { deadLetterTable, sinkTopics, tableOf, type SinkTopic } from './rows/tables.ts'

const Landed = z.object({ topic: z.string(), partition: z.int(), next: z.int() })

/** What the sink said of a place, the rows that it put there since, and the letters it wrote in place of what it can't read. */
const landed = `SELECT topic, partition, max(next) AS next FROM (
  SELECT topic, partition, floor AS next FROM sink_epochs
  UNION ALL SELECT topic, partition, offset + 1 FROM ${deadLetterTable}
  ${sinkTopics.filter((topic) => tableOf[topic] !== deadLetterTable).map((topic) => `UNION ALL SELECT '${topic}', partition, offset + 1 FROM ${tableOf[topic]}`).join('\n')}
) GROUP BY topic, partition`

/** Topics of which the log has messages that the tables do not hold yet: what is asked of the tables lacks them. Throws StoreError. */
export async function topicsBehind(log: Log, store: Store): Promise<SinkTopic[]> {
  const next = new Map((await store.query(landed, {}, Landed)).map((row) => [`${row.topic}/${row.partition}`, row.next]))
  const isBehind = async (topic: SinkTopic, partition: number): Promise<boolean> => {
    const from = next.get(`${topic}/${partition}`) ?? 0
    // on brokers what lies before the end may be marks of transactions alone
    return from < (await log.end(topic, partition)) && (await log.read(topic, partition, from, { maxMessages: 1, maxBytes: 1 })).length > 0
  }
  const behind = await Promise.all(sinkTopics.map(async (topic) => {
    const places = await Promise.all(Array.from({ length: log.partitions[topic] }, (_, partition) => isBehind(topic, partition)))
    return places.includes(true)
  }))
  return sinkTopics.filter((_, i) => behind[i])
}
