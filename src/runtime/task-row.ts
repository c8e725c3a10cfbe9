import { z } from 'zod'
import { StoredEpoch } from './epochs.ts'

/** The record that was handed to the processor last: what queued work in progress belongs to. */
export const LastRecord = z.strictObject({ offset: z.int(), index: z.int(), timestamp: z.number(), type: z.string() })
export type LastRecord = z.infer<typeof LastRecord>

/**
 * What the runtime keeps of a task, written with every commit. `offset` and `index` are the next record's; while `slicing`,
 * slices of `last` come before it.
 */
export const TaskRow = z.strictObject({
  offset: z.int(),
  index: z.int(),
  slicing: z.boolean(),
  last: LastRecord.nullable(),
  /** the largest tick processed, before the first the time of the first message that has a plausible one, ms; 0 before that */
  now: z.int(),
  /** the newest tick ever appended for this task, ms */
  ticked: z.int(),
  epoch: StoredEpoch.nullable(),
})
export type TaskRow = z.infer<typeof TaskRow>

export const taskRowKey = 'task'

export const newTask: TaskRow = { offset: 0, index: 0, slicing: false, last: null, now: 0, ticked: 0, epoch: null }
