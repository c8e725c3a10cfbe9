import type { SharedLog } from '../adapters/log-embedded/embedded-log.ts'
import type { MeasuredCommit } from '../observe/measured-log.ts'
import type { Look } from '../runtime/drained.ts'
import type { TaskLimits } from '../runtime/limits.ts'
import type { PipelineProgress } from '../runtime/pipeline.ts'

/** What a thread is started with. */
export interface ThreadOrders {
  log: SharedLog
  limits: TaskLimits
  release: string
  /** its number, from 0, of so many: it has every partition whose number leaves this rest */
  thread: number
  threads: number
}

/** What it is asked while it runs, and what it answers. */
export interface Answers {
  look: Look
  changed: null
  progress: PipelineProgress[]
  hurry: null
  stop: null
}
export type Asked = keyof Answers

export interface Question {
  number: number
  ask: Asked
  /** `hurry`: ms; `changed`: since when */
  about: number
}

export type Told =
  | { tell: 'answer'; number: number; value: Answers[Asked] }
  | { tell: 'refusal'; number: number; reason: string }
  | { tell: 'trouble'; what: string }
  | { tell: 'failed'; task: string; reason: string }
  | { tell: 'commit'; commit: MeasuredCommit }
