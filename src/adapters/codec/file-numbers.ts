import type { SchemaNumbers } from '../../ports/portable-log.ts'
import { createFileCodec } from './avro-codec.ts'
import { layoutOf } from './layout.ts'
import type { SchemaStore } from './schema-store.ts'

/** Of a log that keeps its schemas beside its messages: numbers are taken from the text. */
export const fileNumbers = (schemas: SchemaStore): SchemaNumbers => ({
  codec: createFileCodec(schemas),
  meet: async () => undefined,
  get: (id) => schemas.get(id),
  lasting: (topic, text) => layoutOf(topic, text).id,
  async number(topic, text) {
    const { id, text: stored } = layoutOf(topic, text)
    schemas.put(id, topic, stored)
    return id
  },
})
