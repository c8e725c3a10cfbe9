import { storedSchemaText } from '../../../schemas/generate.ts'
import { topicNames } from '../../../schemas/wire/topics.ts'
import type { Codec } from '../../ports/codec.ts'
import type { Log } from '../../ports/log.ts'
import type { SchemaNumbers } from '../../ports/portable-log.ts'
import { AvroCodec } from '../codec/avro-codec.ts'
import { layoutOf } from '../codec/layout.ts'
import type { SchemaStore } from '../codec/schema-store.ts'
import { logMeetingSchemas } from './log-meeting-schemas.ts'
import { RegistryClient, type RegistryOptions } from './registry-client.ts'
import { RegistrySchemas } from './registry-schemas.ts'

export interface RegistryCodec {
  readonly codec: Codec
  readonly schemas: RegistrySchemas
  /**
   * `log`, which answers no message before the schema that it names is known: only such a log may be read with this codec. `reading` fails while
   * a replica of the registry may still lag behind, for who tries again and says so; `readingOnce` waits.
   */
  readonly reading: (log: Log) => Log
  readonly readingOnce: (log: Log) => Log
  /** for a log that is carried elsewhere */
  readonly numbers: SchemaNumbers
}

/**
 * The same bytes as the codec of files, under the ids of a registry: today's schema of every topic is registered as
 * `<prefix><topic>-value`. Throws RegistryRefusal where one is incompatible with what is registered, RegistryError where the
 * registry can't be asked, RegistryLossError where it gives numbers that stand for other schemas among those that the log has `kept`.
 */
export async function openRegistryCodec(options: RegistryOptions & { prefix: string; kept: SchemaStore; lagMs?: number }): Promise<RegistryCodec> {
  const registry = new RegistryClient(options)
  const schemas = new RegistrySchemas(registry, options.kept, options.lagMs)
  const layouts = await Promise.all(
    topicNames.map(async (topic) => {
      const layout = layoutOf(topic, storedSchemaText(topic))
      const id = await registry.register(`${options.prefix}${topic}-value`, layout.text)
      schemas.put(id, topic, layout.text)
      return [topic, { ...layout, id }] as const
    }),
  )
  const codec = new AvroCodec(new Map(layouts), schemas)
  const numbers: SchemaNumbers = {
    codec,
    meet: (values) => schemas.meetOrWait(values),
    get: (id) => schemas.get(id),
    lasting: (topic, text) => layoutOf(topic, text).id,
    async number(topic, avro) {
      const { text } = layoutOf(topic, avro)
      const id = await registry.register(`${options.prefix}${topic}-value`, text)
      schemas.put(id, topic, text)
      return id
    },
  }
  return {
    codec,
    schemas,
    reading: (log) => logMeetingSchemas(log, (values) => schemas.meet(values)),
    readingOnce: (log) => logMeetingSchemas(log, (values) => schemas.meetOrWait(values)),
    numbers,
  }
}
