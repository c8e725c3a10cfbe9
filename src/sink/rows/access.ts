import type { Position } from '../../../schemas/wire/common.ts'
import type { AccessChange } from '../../../schemas/wire/results.ts'
import type { Row } from '../../ports/store.ts'
import { causeColumns, positionColumns } from './position.ts'

/** One row a change, its grants as parallel arrays: a row for each grant would cost ten times the insert. */
export function accessRow(record: AccessChange, position: Position): Row {
  const { type: _type, set, cause, ...same } = record
  return {
    ...positionColumns(position),
    ...same,
    'grants.entitlement': set.map(({ entitlement }) => entitlement),
    'grants.native': set.map(({ native }) => native),
    'grants.verdict': set.map(({ verdict }) => verdict),
    'grants.direct': set.map(({ direct }) => direct),
    'grants.since': set.map(({ since }) => since),
    'grants.valid': set.map(({ valid }) => valid),
    'grants.paths': set.map(({ paths }) => paths),
    ...causeColumns(cause),
  }
}
