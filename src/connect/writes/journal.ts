import type { WriteStep, WriteVerdict } from '../../../schemas/wire/actions.ts'
import type { Position } from '../../../schemas/wire/common.ts'
import type { Operation } from '../../../schemas/wire/operations.ts'

/** A command of kind write, as its application's owner works on it. */
export interface WriteCommand {
  id: string
  position: Position
  finding: string
  version: string
  /** as the application spells it */
  account: string
  operations: readonly Operation[]
}

/**
 * What is known of a command that was begun: kept in the source's checkpoint before each call and after it, so that whoever goes on
 * knows which calls were made, and which one may have been. `done`: its result is published.
 */
export interface JournalEntry {
  /** stamp before the first call */
  written: number
  steps: WriteStep[]
  begun: { operation: number; step: string } | null
  done: boolean
}

/** A command that was carried out and does not show yet. Times are wall-clock ms. */
export interface Pending {
  command: WriteCommand
  written: number
  steps: WriteStep[]
  /** the verdict once it shows */
  verdict: WriteVerdict
  until: number
  nextAt: number
  looks: number
}

export const journalKey = (command: string): string => `write/${command}`
export const pendingKey = 'pending-writes'
