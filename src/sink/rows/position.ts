import type { Position } from '../../../schemas/wire/common.ts'
import type { Row } from '../../ports/store.ts'

/** The columns that every table of the sink begins with. */
export const positionColumns = ({ topic, partition, offset, index }: Position): Row => ({ topic, partition, offset, index })

export const causeColumns = (cause: Position | null): Row => ({
  cause_topic: cause?.topic ?? null,
  cause_partition: cause?.partition ?? null,
  cause_offset: cause?.offset ?? null,
  cause_index: cause?.index ?? null,
})
