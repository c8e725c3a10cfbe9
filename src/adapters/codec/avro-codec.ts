import { topicNames, topics, type RecordOf, type Topic } from '../../../schemas/wire/topics.ts'
import { storedSchemaText } from '../../../schemas/generate.ts'
import { CodecError, type Codec, type Foreseen, type OpenChunk } from '../../ports/codec.ts'
import { layoutOf, type Layout } from './layout.ts'
import { Reader } from './reader.ts'
import type { SchemaStore } from './schema-store.ts'
import { Writer } from './writer.ts'

const FRAME_BYTES = 5

/** The schema id that a message names; null where it does not begin with a frame. */
export function frameId(message: Uint8Array): number | null {
  if (message.length < FRAME_BYTES || message[0] !== 0) return null
  return new DataView(message.buffer, message.byteOffset).getUint32(1)
}

/**
 * The codec over the schemas in schemas/avro. A schema's id is taken from its own text, so every installation gives it the same one.
 * Puts today's schemas into `store`; throws if one of them has the id of another schema.
 */
export function createFileCodec(store: SchemaStore): Codec {
  const layouts = new Map(topicNames.map((topic) => [topic, layoutOf(topic, storedSchemaText(topic))]))
  for (const layout of layouts.values()) store.put(layout.id, layout.topic, layout.text)
  return new AvroCodec(layouts, store)
}

/** Encodes with `layouts`, one for each topic, and decodes with whatever schema a message names, read as the layout of its topic. */
export class AvroCodec implements Codec {
  readonly #writers = new Map<Topic, Writer>()
  /** of records of their own */
  readonly #singles = new Map<Topic, Writer>()
  readonly #today = new Map<Topic, Reader>()
  /** by topic and schema id: a message of one topic must not be read by the schema of another */
  readonly #readers = new Map<string, Reader>()
  readonly #layouts: ReadonlyMap<Topic, Layout>
  readonly #store: Pick<SchemaStore, 'get'>

  constructor(layouts: ReadonlyMap<Topic, Layout>, store: Pick<SchemaStore, 'get'>) {
    this.#layouts = layouts
    this.#store = store
    for (const [topic, layout] of layouts) {
      const reader = new Reader(layout, layout)
      this.#writers.set(topic, new Writer(layout))
      this.#singles.set(topic, new Writer(layout))
      this.#today.set(topic, reader)
      this.#readers.set(`${topic} ${layout.id}`, reader)
    }
  }

  encode<T extends Topic>(topic: T, records: readonly RecordOf<T>[]): Uint8Array {
    const writer = this.#writer(topic)
    writer.begin()
    writer.frame()
    writer.records(records)
    return writer.take()
  }

  decode<T extends Topic>(topic: T, value: Uint8Array): RecordOf<T>[] {
    const bytes = framed(topic, value)
    return this.#reader(topic, bytes.readUInt32BE(1)).message(bytes, FRAME_BYTES) as RecordOf<T>[]
  }

  open<T extends Topic>(topic: T, value: Uint8Array, foreseen?: Foreseen): OpenChunk<T> {
    const bytes = framed(topic, value)
    const reader = this.#reader(topic, bytes.readUInt32BE(1))
    const found = reader.open(bytes, FRAME_BYTES, foreseen)
    if (found !== null) return found.as<T>()
    const records = reader.message(bytes, FRAME_BYTES) as RecordOf<T>[]
    return { count: records.length, record: (index) => records[index]!, encoded: () => null, foreseen: () => null }
  }

  encodeRecord<T extends Topic>(topic: T, record: RecordOf<T>): Uint8Array {
    return this.#writer(topic, this.#singles).single(record)
  }

  decodeRecord<T extends Topic>(topic: T, bytes: Uint8Array): RecordOf<T> {
    const reader = this.#today.get(topic)
    if (reader === undefined) throw new CodecError(`${topic}: no such topic`)
    return reader.single(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0) as RecordOf<T>
  }

  frame(topic: Topic, encoded: readonly Uint8Array[]): Uint8Array {
    return this.#writer(topic).message(encoded)
  }

  #writer(topic: Topic, writers = this.#writers): Writer {
    const writer = writers.get(topic)
    if (writer === undefined) throw new CodecError(`${topic}: no such topic. Topics are ${Object.keys(topics).join(', ')}`)
    return writer
  }

  #reader(topic: Topic, id: number): Reader {
    const known = this.#readers.get(`${topic} ${id}`)
    if (known !== undefined) return known
    const layout = this.#layouts.get(topic)
    const stored = this.#store.get(id)
    if (layout === undefined || stored === undefined) {
      throw new CodecError(
        `${topic}: a message names schema ${id}, which is not in the schema store. ` +
          'Either something else writes to this topic, or the log was copied without its schemas',
      )
    }
    if (stored.topic !== topic) {
      throw new CodecError(`${topic}: a message names schema ${id}, which is of topic ${stored.topic}. Look for a producer that mixes the two topics up`)
    }
    const reader = new Reader(storedLayout(topic, id, stored.text), layout)
    this.#readers.set(`${topic} ${id}`, reader)
    return reader
  }
}

function storedLayout(topic: Topic, id: number, text: string): Layout {
  try {
    return layoutOf(topic, text)
  } catch (error) {
    throw new CodecError(`${topic}: a message names schema ${id}, and what the schema store has of that name is none: ${(error as Error).message}. Look for what else writes there`, { cause: error })
  }
}

function framed(topic: Topic, value: Uint8Array): Buffer {
  if (frameId(value) === null) {
    throw new CodecError(
      `${topic}: a message of ${value.length} bytes does not begin with the frame 0x00 and a schema id of 4 bytes. ` +
        'Look for a producer on this topic that writes without the Confluent framing',
    )
  }
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
