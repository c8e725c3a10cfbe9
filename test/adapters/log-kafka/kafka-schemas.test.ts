import type { Kafka, Message, Producer } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { RawMessage } from '../../../src/adapters/log-kafka/internals.ts'
import { KafkaSchemas } from '../../../src/adapters/log-kafka/kafka-schemas.ts'
import type { Reader } from '../../../src/adapters/log-kafka/reader.ts'

/** A write fails on a real broker when that is out of reach for long only, so what the broker says is written down here. */
class Brokers {
  /** keys, by batch, as they were acknowledged */
  readonly batches: string[][] = []
  isDown = false
  /** the other topics of the log, and their ids */
  readonly topics = new Map<string, string>()
  readonly #stored: Readonly<Record<string, string>>
  readonly #producer: Pick<Producer, 'connect' | 'disconnect' | 'send'> = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    send: ({ messages }) => this.#take(messages),
  }

  /** `stored`: what the topic holds already */
  constructor(stored: Readonly<Record<string, string>> = { id: 'a log' }) {
    this.#stored = stored
  }

  open(): Promise<KafkaSchemas> {
    const kafka: Pick<Kafka, 'producer'> = { producer: () => this.#producer as Producer }
    const stored = Object.entries(this.#stored).map(([key, value], offset): RawMessage => ({
      offset: String(offset), key: Buffer.from(key), value: Buffer.from(value), timestamp: '0', isControlRecord: false,
    }))
    const reader: Pick<Reader, 'read'> = { read: (_topic, _partition, offset) => Promise.resolve(stored.slice(offset)) }
    const others = { ids: () => Promise.resolve(this.topics), held: () => Promise.resolve(null) }
    return KafkaSchemas.open({ kafka: kafka as Kafka, reader: reader as Reader, topic: 'schemas', transactionTimeoutMs: 1_000, others })
  }

  #take(messages: Message[]): Promise<[]> {
    if (this.isDown) return Promise.reject(new Error('out of reach'))
    this.batches.push(messages.map(({ key }) => String(key)))
    return Promise.resolve([])
  }
}

describe('schemas beside the messages', () => {
  it('are all in the log, once, when they are told to be written', async () => {
    const brokers = new Brokers()
    const schemas = await brokers.open()
    schemas.put(1, 'raw', 'a')
    schemas.put(2, 'facts', 'b')
    schemas.put(1, 'raw', 'a')
    await Promise.all([schemas.written(), schemas.written()])
    await schemas.written()
    expect(brokers.batches).toEqual([['1', '2']])
  })

  it('that could not be written hold up every commit until they are', async () => {
    const brokers = new Brokers()
    const schemas = await brokers.open()
    schemas.put(1, 'raw', 'a')
    schemas.put(2, 'facts', 'b')
    brokers.isDown = true
    for (let commit = 0; commit < 3; commit++) await expect(schemas.written()).rejects.toThrow('out of reach')
    expect(schemas.get(1)).toEqual({ topic: 'raw', text: 'a' })
    brokers.isDown = false
    await schemas.written()
    expect(brokers.batches).toEqual([['1', '2']])
  })

  it('that come while others are being written are waited for too', async () => {
    const brokers = new Brokers()
    const schemas = await brokers.open()
    schemas.put(1, 'raw', 'a')
    const first = schemas.written()
    schemas.put(2, 'facts', 'b')
    const second = schemas.written()
    await Promise.all([first, second])
    expect(brokers.batches).toEqual([['1'], ['2']])
  })
})

it('what else lies there keeps nobody from opening the log', async () => {
  const stored = { id: 'a log', note: 'hello', 7: '{', 8: '{"topic":"of a later release","text":"{}"}', 9: '"text"', '1e1': '{"topic":"raw","text":"c"}', 11: '{"topic":"raw","text":"d"}' }
  const schemas = await new Brokers(stored).open()
  expect([7, 8, 9, 10, 11].map((id) => schemas.get(id))).toEqual([undefined, undefined, undefined, undefined, { topic: 'raw', text: 'd' }])
})

describe('what topics are', () => {
  it('is theirs alone, also where an import carries the id of the log along', async () => {
    const brokers = new Brokers({ id: 'a log', incarnation: 'these topics' })
    const schemas = await brokers.open()
    await schemas.noteFilled('the log of before')
    expect([schemas.id, schemas.incarnation]).toEqual(['the log of before', 'these topics'])
    expect(brokers.batches).toEqual([['id', 'filling']])
  })

  it('is the id of their log where they are of before there was an incarnation', async () => {
    const schemas = await new Brokers().open()
    expect(schemas.incarnation).toBe('a log')
  })
})
