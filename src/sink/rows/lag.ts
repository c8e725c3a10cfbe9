import type { Position } from '../../../schemas/wire/common.ts'
import type { LagSample } from '../../../schemas/wire/results.ts'
import type { Row } from '../../ports/store.ts'
import { causeColumns, positionColumns } from './position.ts'

export function lagRow(record: LagSample, position: Position): Row {
  const { type: _type, lagMs, cause, ...same } = record
  return { ...positionColumns(position), ...same, lag_ms: lagMs, ...causeColumns(cause) }
}
