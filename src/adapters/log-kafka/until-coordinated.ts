import { setTimeout as sleep } from 'node:timers/promises'
import { errorType } from './error-type.ts'

/** Answers that had no effect, which kafkajs gives up on; it gives one error for all that kept it from finding the coordinator. */
const uncoordinated: readonly string[] = [
  'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS', 'CONCURRENT_TRANSACTIONS', 'UNKNOWN_TOPIC_OR_PARTITION',
]
/** about six seconds */
const coordinatorAttempts = 18
const unfound = 'KafkaJSGroupCoordinatorNotFound'
/** each may have waited for an answer until that was given up */
const unfoundAttempts = 3
/** The transaction before is mostly ended within a few milliseconds. */
const firstRetryMs = 5
const longestRetryMs = 500

/** Asks a coordinator again while its answer says that this had no effect. `also`: the type of another answer that says so of this request. */
export async function untilCoordinated<T>(ask: () => Promise<T>, also?: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const type = errorType(error)
      const isPassing = type !== undefined && (uncoordinated.includes(type) || type === also)
      const most = error instanceof Error && error.name === unfound ? unfoundAttempts : isPassing ? coordinatorAttempts : 1
      if (attempt >= most) throw error
      await sleep(Math.min(longestRetryMs, firstRetryMs * 2 ** (attempt - 1)))
    }
  }
}
