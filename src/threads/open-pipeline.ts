import { timeText } from '../../schemas/time-text.ts'
import { Pipeline, type PipelineOptions } from '../runtime/pipeline.ts'
import type { ClockLeap } from '../runtime/ticks.ts'

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
    onClockLeap: (task, leap) => onTrouble(`${task}: ${clockText(leap)}`),
    onTaskFailed: onFailed,
    onRetry: (retry) => onTrouble(`a task tries again: ${retry.error.message}`),
  })
}

function clockText(leap: ClockLeap | null): string {
  if (leap === null) return 'the clock is plausible again'
  const { at, explained } = leap
  if (at > explained) return 'the clock leapt, time stands still until it is plausible or grantline is started again'
  return (
    `the clock says ${timeText(at)}, and the log has come to ${timeText(explained)}: time stands still until it is that late, so nothing falls due. ` +
    'Set the clock right; where it was too far ahead before, put back a backup of then'
  )
}
