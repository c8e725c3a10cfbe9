import { forwardedLog } from '../../ports/forwarded-log.ts'
import type { Log } from '../../ports/log.ts'

/** `log`, whose reads wait until `meet` knows the schemas of what they answer, and fail where it does. */
export function logMeetingSchemas(log: Log, meet: (values: readonly Uint8Array[]) => Promise<void>): Log {
  return {
    ...forwardedLog(log),
    async read(topic, partition, offset, limits) {
      const messages = await log.read(topic, partition, offset, limits)
      await meet(messages.map(({ value }) => value))
      return messages
    },
  }
}
