import type { Position, Ruling } from '../../../schemas/wire/common.ts'
import type { Row } from '../../ports/store.ts'
import { positionColumns } from './position.ts'

export function rulingRow({ type: _type, ...same }: Ruling, position: Position): Row {
  return { ...positionColumns(position), ...same }
}
