import type { TickLimits } from './ticks.ts'

/**
 * Where transactions end: whichever limit is reached first, between records or slices. No output depends on any of them. A task
 * that finds little waiting commits that little at once; batches grow only with what is there.
 */
export interface TaskLimits extends TickLimits {
  /** records of one transaction; a slice counts as `sliceRows` */
  maxBatchRecords: number
  /** input, outputs and state of one transaction, bytes */
  maxBatchBytes: number
  /** processing of one transaction, ms: how long a task may keep the others waiting */
  maxBatchMs: number
  /** one read from the log, bytes */
  maxReadBytes: number
  /** rows that one slice is asked to touch */
  sliceRows: number
}

export const defaultLimits: TaskLimits = {
  maxBatchRecords: 16_000,
  maxBatchBytes: 8 * 1024 * 1024,
  maxBatchMs: 250,
  maxReadBytes: 1024 * 1024,
  sliceRows: 1_000,
  tickMs: 1_000,
  clockToleranceMs: 60_000,
}
