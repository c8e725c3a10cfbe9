import { isMainThread } from 'node:worker_threads'
import { entitle } from '../processors/entitle/entitle.ts'
import { normalise } from '../processors/normalise/normalise.ts'
import { reconcile } from '../processors/reconcile/reconcile.ts'
import type { ProcessorType } from '../src/ports/processor.ts'
import { systemClock, type Clock } from '../src/runtime/clock.ts'
import { serveTasks } from '../src/threads/serve.ts'
import { nowMs } from './workload.ts'

export const types: readonly ProcessorType[] = [entitle, normalise, reconcile]
/** The day stands still, so that every run decides the same; batches end by real time. */
export const clock: Clock = { ...systemClock, nowMs: () => nowMs }
/** A thread of tasks with that clock. */
export const stillThread = new URL(import.meta.url)

if (!isMainThread) serveTasks(clock, types)
