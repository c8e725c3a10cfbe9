import { forwardedLog } from '../ports/forwarded-log.ts'
import { FencedError, type Log } from '../ports/log.ts'

export interface MeasuredCommit {
  /** of the task or publisher that committed */
  id: string
  outcome: 'committed' | 'fenced' | 'failed'
  ms: number
}

export type OnCommit = (commit: MeasuredCommit) => void

/** `log`, which tells of every transaction how it ended and how long it took. */
export function measuredLog(log: Log, onCommit: OnCommit): Log {
  return {
    ...forwardedLog(log),
    async openTask(id) {
      const task = await log.openTask(id)
      return {
        id,
        get state() {
          return task.state
        },
        isTakenOver: () => task.isTakenOver(),
        close: () => task.close(),
        async commit(change) {
          const began = performance.now()
          const told = (outcome: MeasuredCommit['outcome']): void => onCommit({ id, outcome, ms: performance.now() - began })
          try {
            const result = await task.commit(change)
            told('committed')
            return result
          } catch (error) {
            told(error instanceof FencedError ? 'fenced' : 'failed')
            throw error
          }
        },
      }
    },
  }
}
