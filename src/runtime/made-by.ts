import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { EmptyTables } from './empty-tables.ts'
import { epochDue } from './epochs.ts'
import { StateTable } from './state-table.ts'
import { taskId } from './task.ts'
import { newTask, TaskRow, taskRowKey } from './task-row.ts'

/**
 * Looks at every task's state before anything is written beside it: throws DowngradeError or StateFormatError where other code than this has to go
 * on with one. Takes the tasks over, so nothing may run yet.
 */
export async function requireOwnStates(log: Log, types: readonly ProcessorType[], release: string): Promise<void> {
  await Promise.all(types.flatMap((type) => Array.from({ length: log.partitions[type.input] }, (_, partition) => requireOwn(log, type, partition, release))))
}

async function requireOwn(log: Log, type: ProcessorType, partition: number, release: string): Promise<void> {
  const store = await log.openTask(taskId(type, partition))
  try {
    const row = new StateTable(store.state, new EmptyTables(store.state)).getOwn(taskRowKey)
    epochDue(type, partition, release, TaskRow.parse(row ?? newTask))
  } finally {
    await store.close()
  }
}
