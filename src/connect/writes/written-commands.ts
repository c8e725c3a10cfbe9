import type { Asked } from '../command-queue.ts'
import type { WriteCommand } from './journal.ts'

/** The commands of kind write, in their order; one without operations or account asks for nothing. */
export function writesOf(asked: readonly Asked[]): WriteCommand[] {
  return asked.flatMap(({ command: { id, account, write }, position }) => {
    if (write === null || account === null || write.operations.length === 0) return []
    return [{ id, position, account, finding: write.finding, version: write.version, operations: write.operations }]
  })
}
