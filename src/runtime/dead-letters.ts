import { createHash } from 'node:crypto'
import type { Position } from '../../schemas/wire/common.ts'
import type { DeadLetter } from '../../schemas/wire/results.ts'
import { digest } from '../core/canonical.ts'
import type { Message } from '../ports/log.ts'

export type DeadLetterCode = 'undecodable-message' | 'undecodable-record' | 'incomplete-parts'

/** Where a record stands in the log, for people: topic/partition/offset, and its index where one record of a message is meant. */
export const placeOf = ({ topic, partition, offset, index }: Position): string => `${topic}/${partition}/${offset}/${index}`

/**
 * What the runtime itself could not hand to a processor. The bytes stay in the log, at `place`; the letter carries their size and
 * digest only, since nobody knows what undecodable bytes hold.
 */
export function runtimeDeadLetter(
  processor: string, position: Position, message: Message, code: DeadLetterCode, reason: string,
): DeadLetter {
  const { topic, partition, offset } = position
  const place = code === 'undecodable-message' ? `${topic}/${partition}/${offset}` : placeOf(position)
  const sha256 = createHash('sha256').update(message.value).digest('hex')
  return {
    type: 'DeadLetter', id: digest(`${processor} ${code} ${place}`), source: processor, run: null, stage: 'runtime', code, reason,
    place, record: null, payload: `${message.value.length} bytes, sha256 ${sha256}`, at: message.timestamp,
    state: 'open', by: null, why: null, cause: position,
  }
}
