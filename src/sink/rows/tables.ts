import type { Position } from '../../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../../schemas/wire/topics.ts'
import type { Row } from '../../ports/store.ts'
import { accessRow } from './access.ts'
import { actionRow } from './action.ts'
import { deadLetterRow } from './dead-letter.ts'
import { findingRow } from './finding.ts'
import { lagRow } from './lag.ts'
import { rulingRow } from './ruling.ts'
import { syncRunRow } from './sync-run.ts'

/** Topics that have a table. */
export const sinkTopics = ['findings', 'access', 'lag', 'sync-runs', 'dead-letters', 'rulings', 'action-log'] as const satisfies readonly Topic[]
export type SinkTopic = (typeof sinkTopics)[number]

/** Where the sink also writes what it can't read of any topic. */
export const deadLetterTable = 'dead_letters'

export const tableOf: Readonly<Record<SinkTopic, string>> = {
  findings: 'findings_log',
  access: 'access_log',
  lag: 'lag_samples',
  'sync-runs': 'sync_run_log',
  'dead-letters': deadLetterTable,
  rulings: 'ruling_log',
  'action-log': 'action_log',
}

/** The one row that a record becomes. A part of a record is none: the whole record is, at the position of its last part. */
export function rowOf(record: Exclude<RecordOf<SinkTopic>, { type: 'Part' }>, position: Position): Row {
  switch (record.type) {
    case 'Finding':
      return findingRow(record, position)
    case 'AccessChange':
      return accessRow(record, position)
    case 'LagSample':
      return lagRow(record, position)
    case 'SyncRun':
      return syncRunRow(record, position)
    case 'DeadLetter':
      return deadLetterRow(record, position)
    case 'Ruling':
      return rulingRow(record, position)
    case 'ActionChange':
      return actionRow(record, position)
  }
}
