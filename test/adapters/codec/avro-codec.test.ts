import { describe, expect, it } from 'vitest'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { schemaText, storedSchemaText } from '../../../schemas/generate.ts'
import { AvroCodec, createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { layoutOf } from '../../../src/adapters/codec/layout.ts'
import { CodecError } from '../../../src/ports/codec.ts'
import { codecContract } from '../../contract/codec.ts'
import { MemorySchemaStore } from '../../support/memory-schemas.ts'

codecContract('files', () => {
  const store = new MemorySchemaStore()
  return Promise.resolve({
    codec: createFileCodec(store),
    writing(topic, avro) {
      const layout = layoutOf(topic, JSON.stringify(avro))
      store.put(layout.id, topic, layout.text)
      return Promise.resolve(new AvroCodec(new Map([[topic, layout]]), store))
    },
    meet: () => Promise.resolve(),
  })
})

it('lists of what takes no bytes are passed over at once, however many a stranger announces', { timeout: 120_000 }, () => {
  const store = new MemorySchemaStore()
  const codec = createFileCodec(store)
  const chunk = JSON.parse(storedSchemaText('raw')) as { fields: { type: { items: { name: string; fields: object[] }[] } }[] }
  const items = chunk.fields[0]!.type.items
  const index = items.findIndex(({ name }) => name === 'Tick')
  items[index]!.fields.push({ name: 'nothing', type: { type: 'array', items: 'null' } })
  store.put(5, 'raw', JSON.stringify(chunk))
  const block = Buffer.of(...zigZag(400_000))
  const message = (blocks: number): Buffer => Buffer.concat([Buffer.of(0, 0, 0, 0, 5, 2, 2 * index, 0, 2), Buffer.alloc(block.length * blocks, block), Buffer.alloc(400_002)])
  const began = performance.now()
  expect(() => codec.decode('raw', message(200_000))).toThrow(CodecError)
  expect(performance.now() - began).toBeLessThan(5_000)
})

describe('schema ids', () => {
  it('are the same for every installation, and differ between topics', () => {
    const ids = topicNames.map((topic) => layoutOf(topic, schemaText(topic)).id)
    expect(new Set(ids).size).toBe(topicNames.length)
    expect(ids).toEqual(topicNames.map((topic) => layoutOf(topic, storedSchemaText(topic)).id))
    for (const id of ids) expect(id).toBeLessThan(2 ** 31)
  })

  it('collide with an error, never in silence', () => {
    const store = new MemorySchemaStore()
    const { id } = layoutOf('raw', storedSchemaText('raw'))
    store.put(id, 'raw', '"string"')
    expect(() => createFileCodec(store)).toThrow(new RegExp(`schema id ${id} of topic raw already stands for another schema`))
  })

  it.each(['"string', '7', 'null', '{"type":"record","name":"Chunk","namespace":"grantline.raw"}', '{"type":"nonsense"}'])('that stand for what is no schema (%s) are an error of the data', (text) => {
    const store = new MemorySchemaStore()
    const codec = createFileCodec(store)
    store.put(5, 'raw', text)
    expect(() => codec.decode('raw', Uint8Array.of(0, 0, 0, 0, 5, 0))).toThrow(CodecError)
  })

  it('are put before anything can be written, every topic’s', () => {
    const put: Topic[] = []
    createFileCodec({ get: () => undefined, put: (_id, topic) => put.push(topic) })
    expect(put).toEqual(topicNames)
  })
})

function zigZag(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value * 2; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    if (rest <= 0x7f) return bytes
  }
}
