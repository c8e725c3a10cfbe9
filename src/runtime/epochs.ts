import { z } from 'zod'
import type { Epoch } from '../../schemas/wire/common.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { DowngradeError } from './errors.ts'

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
 * same. Code older than the state in either number is refused: DowngradeError.
 */
export function epochDue(type: ProcessorType, partition: number, release: string, { offset, index, slicing, last, epoch: stored }: Standing): Epoch | null {
  const { name: processor, version, stateFormat } = type
  if (stored !== null) {
    if (version < stored.version || stateFormat < stored.stateFormat) {
      throw new DowngradeError(
        `${processor} (partition ${partition}): the state was made by version ${stored.version}, state format ${stored.stateFormat} ` +
          `(release ${stored.release}); this code is version ${version}, state format ${stateFormat} (release ${release}). ` +
          `Run release ${stored.release} or newer.`,
      )
    }
    if (version === stored.version && stateFormat === stored.stateFormat) return null
  }
  const resumed = slicing && last !== null ? { offset: last.offset, index: last.index } : null
  return { type: 'Epoch', processor, version, stateFormat, release, from: { offset, index }, resumed }
}
