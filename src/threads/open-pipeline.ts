import { Pipeline, type PipelineOptions } from '../runtime/pipeline.ts'

export interface Hearers {
  /** something that runs on needs a look */
  onTrouble: (what: string) => void
  /** a task ended with this error */
  onFailed: (task: string, error: unknown) => void
}

/** A pipeline that says in words what becomes of its tasks. */
export function openPipeline(options: Omit<PipelineOptions, 'onRetry' | 'onClockLeap' | 'onTaskFailed'>, { onTrouble, onFailed }: Hearers): Pipeline {
  return new Pipeline({
    ...options,
    onClockLeap: (task, leap) => onTrouble(leap === null ? `${task}: the clock is plausible again` : `${task}: the clock leapt, time stands still until it is plausible or grantline is started again`),
    onTaskFailed: onFailed,
    onRetry: (retry) => onTrouble(`a task tries again: ${retry.error.message}`),
  })
}
