import { forwardedLog } from '../../ports/forwarded-log.ts'
import type { Log } from '../../ports/log.ts'
import type { RegistrySchemas } from './registry-schemas.ts'

/** `log`, whose reads wait until the schemas of what they answer are known, and fail where the registry can't tell. */
export function logMeetingSchemas(log: Log, schemas: RegistrySchemas): Log {
  return {
    ...forwardedLog(log),
    async read(topic, partition, offset, limits) {
      const messages = await log.read(topic, partition, offset, limits)
      await schemas.meet(messages.map(({ value }) => value))
      return messages
    },
  }
}
