import { createHash } from 'node:crypto'
import type { Topic } from '../../../schemas/wire/topics.ts'
import type { Append } from '../../ports/log.ts'

/** Topics that other services read, and what their events are called. docs/contract.md promises these names. */
const eventTypes: Partial<Record<Topic, string>> = {
  findings: 'grantline.finding.changed',
  access: 'grantline.access.changed',
  lag: 'grantline.lag.measured',
  'sync-runs': 'grantline.sync-run.progressed',
}
const FRAME_BYTES = 5
const idBytes = 16

type EventHeaders = Readonly<Record<string, string>>

/**
 * The headers of a message in the binary mode of the Kafka binding of CloudEvents 1.0.2; null for topics that are not for others.
 * All of it follows from the message itself: nothing has to be kept for it, and a copy of a message has the same id.
 * `topic`: its name on the brokers.
 */
export function eventHeaders(topic: string, append: Append): EventHeaders | null {
  const type = eventTypes[append.topic]
  if (type === undefined) return null
  const { partition, key, timestamp } = append
  return {
    ce_specversion: '1.0',
    ce_id: eventId(topic, append),
    ce_source: `/${topic}/${partition}`,
    ce_type: type,
    ce_time: new Date(timestamp).toISOString(),
    ...(key === null ? {} : { ce_partitionkey: key }),
    'content-type': 'application/avro',
  }
}

/** Of what it carries, cause included; the schema's id is left out: it is another one in another registry. */
function eventId(topic: string, { partition, key, value }: Append): string {
  return createHash('sha256')
    .update(JSON.stringify([topic, partition, key]))
    .update(value.subarray(FRAME_BYTES))
    .digest('hex')
    .slice(0, 2 * idBytes)
}
