import { z } from 'zod'
import type { Epoch } from '../../schemas/wire/common.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { DowngradeError, StateFormatError } from './errors.ts'

/** The code that the state was last processed by; kept in the state. */
export const StoredEpoch = z.strictObject({ version: z.int(), stateFormat: z.int(), release: z.string() })
export type StoredEpoch = z.infer<typeof StoredEpoch>

/** Where the task stands: `offset` and `index` are the next record's; `slicing`: `last`, the one before it, has work left. */
interface Standing {
  offset: number
  index: number
  slicing: boolean
  last: { offset: number; index: number } | null
  epoch: StoredEpoch | null
}

/**
 * The record to append before anything else where this code differs from what the state was made by, or null where it is the
 * same. Code older than the state in either number is refused: DowngradeError; so is a state of an older format, which nothing
 * carries over: StateFormatError.
 */
export function epochDue(type: ProcessorType, partition: number, release: string, { offset, index, slicing, last, epoch: stored }: Standing): Epoch | null {
  const { name: processor, version, stateFormat } = type
  if (stored !== null) {
    if (version < stored.version || stateFormat < stored.stateFormat) {
      throw new DowngradeError(
        `${processor} (partition ${partition}): the state was made by version ${stored.version}, state format ${stored.stateFormat} ` +
          `(release ${stored.release}); this code is version ${version}, state format ${stateFormat} (release ${release}). ` +
          `Run release ${stored.release} or newer, or put back a backup that was taken before it ran.`,
      )
    }
    if (stateFormat > stored.stateFormat) {
      throw new StateFormatError(
        `${processor} (partition ${partition}): the state has format ${stored.stateFormat} (release ${stored.release}); this code has ` +
          `format ${stateFormat} (release ${release}), and its rows mean something else. Go on with release ${stored.release}, or begin in ` +
          'a new place: another dataDir, on Kafka another kafka.prefix, on a ClickHouse server another clickhouse.database. Applications and ' +
          'feeds are read anew there; the past, and what people decided, stay with the old one.',
      )
    }
    if (version === stored.version) return null
  }
  const resumed = slicing && last !== null ? { offset: last.offset, index: last.index } : null
  return { type: 'Epoch', processor, version, stateFormat, release, from: { offset, index }, resumed }
}
