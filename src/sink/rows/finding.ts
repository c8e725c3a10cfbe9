import type { Position } from '../../../schemas/wire/common.ts'
import type { Finding } from '../../../schemas/wire/results.ts'
import type { Row } from '../../ports/store.ts'
import { causeColumns, positionColumns } from './position.ts'

export function findingRow(record: Finding, position: Position): Row {
  const { type: _type, closedAs, causes, cause, ...same } = record
  return {
    ...positionColumns(position),
    ...same,
    closed_as: closedAs,
    'causes.topic': causes.map(({ topic }) => topic),
    'causes.partition': causes.map(({ partition }) => partition),
    'causes.offset': causes.map(({ offset }) => offset),
    'causes.index': causes.map(({ index }) => index),
    ...causeColumns(cause),
  }
}
