import { z } from 'zod'
import type { Epoch } from '../../schemas/wire/common.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { DowngradeError } from './errors.ts'

/** The code that the state was last processed by; kept in the state. */
export const StoredEpoch = z.strictObject({ version: z.int(), stateFormat: z.int(), release: z.string() })
export type StoredEpoch = z.infer<typeof StoredEpoch>

/**
 * The record to append before anything else where this code differs from what the state was made by, or null where it is the
 * same. Code older than the state in either number is refused: DowngradeError.
 */
export function epochDue(type: ProcessorType, partition: number, release: string, stored: StoredEpoch | null): Epoch | null {
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
  return { type: 'Epoch', processor, version, stateFormat, release }
}
