import type { ActionChange } from '../../../schemas/wire/actions.ts'
import type { Position } from '../../../schemas/wire/common.ts'
import type { Row } from '../../ports/store.ts'
import { causeColumns, positionColumns } from './position.ts'

export function actionRow(record: ActionChange, position: Position): Row {
  const { type: _type, operations, loses, commandId, cause, ...same } = record
  return {
    ...positionColumns(position),
    ...same,
    command_id: commandId,
    'operations.name': operations.map(({ name }) => name),
    'operations.account': operations.map(({ account }) => account),
    'operations.ref': operations.map(({ ref }) => (ref === null ? null : `${ref.kind}:${ref.id}`)),
    'operations.credential': operations.map(({ credential }) => credential),
    'loses.entitlement': loses.map(({ entitlement }) => entitlement),
    'loses.desired': loses.map(({ desired }) => desired),
    ...causeColumns(cause),
  }
}
