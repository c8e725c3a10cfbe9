import type { ErrorClass } from '../ports/connector.ts'

/**
 * What the platform does about an error of an application. `wait`: until the application lets requests through again, however long.
 * `retry`: after a growing pause, a few times, where sending again can do no harm. `refresh-credentials`: get a new token, once.
 * `reset-paging`: read the stream once more from its beginning. `stop-stream`: the rest of the stream is a loss, the others go on.
 * `stop-run`: nothing more is asked, it would fail the same way. A record that can't be mapped (MappingError) goes to the dead letters.
 */
type Action = 'wait' | 'retry' | 'refresh-credentials' | 'reset-paging' | 'stop-stream' | 'stop-run'

/** By class: what is tried first, and what is done when that did not help. */
export const actions: Readonly<Record<ErrorClass, { first: Action; then: 'stop-stream' | 'stop-run' }>> = {
  throttled: { first: 'wait', then: 'stop-run' },
  transient: { first: 'retry', then: 'stop-stream' },
  authentication: { first: 'refresh-credentials', then: 'stop-run' },
  configuration: { first: 'stop-run', then: 'stop-run' },
  permission: { first: 'stop-stream', then: 'stop-stream' },
  partial: { first: 'reset-paging', then: 'stop-stream' },
  schema: { first: 'stop-stream', then: 'stop-stream' },
  'not-found': { first: 'stop-stream', then: 'stop-stream' },
  conflict: { first: 'stop-stream', then: 'stop-stream' },
  fatal: { first: 'stop-stream', then: 'stop-stream' },
}
