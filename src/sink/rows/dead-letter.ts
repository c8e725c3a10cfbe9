import type { Position } from '../../../schemas/wire/common.ts'
import type { DeadLetter } from '../../../schemas/wire/results.ts'
import { digest } from '../../core/canonical.ts'
import type { Row } from '../../ports/store.ts'
import { causeColumns, positionColumns } from './position.ts'

export function deadLetterRow(record: DeadLetter, position: Position): Row {
  const { type: _type, cause, ...same } = record
  return { ...positionColumns(position), ...same, ...causeColumns(cause) }
}

/**
 * What the sink could not read, at the place of the message itself. `bytes`: its size; the content stays in the log. `at`: append time of the
 * first input that caused it, ms.
 */
export function unreadableRow(position: Position, { reason, bytes, at }: { reason: string; bytes: number; at: number }): Row {
  const place = `${position.topic} partition ${position.partition} offset ${position.offset} index ${position.index}`
  const letter: DeadLetter = {
    type: 'DeadLetter', id: digest(place), source: `topic/${position.topic}`, run: null, stage: 'sink', code: 'unreadable-message', reason,
    place, record: null, payload: `${bytes} bytes, kept in the log`, at,
    state: 'open', by: null, why: null, cause: position,
  }
  return deadLetterRow(letter, position)
}
