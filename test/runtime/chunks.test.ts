import { describe, expect, it } from 'vitest'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { partitionOf } from '../../src/core/partition.ts'
import { Chunker } from '../../src/runtime/chunks.ts'
import { maxMessageBytes } from '../../src/runtime/parts.ts'
import { RecordReader } from '../../src/runtime/records.ts'
import { definition, seen } from '../support/fixture-processors.ts'
import { codec, partitionsOf } from './logs.ts'

const chunker = (partitions = 3): Chunker => new Chunker(codec, partitionsOf(partitions), 'test')
const command = (id: string): Extract<RecordOf<'commands'>, { type: 'Command' }> => ({
  type: 'Command', id, app: 'app', kind: 'sync', account: null, run: null, reason: '', write: null, at: 0, cause: null,
})

describe('Chunker', () => {
  it('keeps the order of each partition and puts a key where murmur2 says', () => {
    const chunks = chunker()
    const ids = Array.from({ length: 50 }, (_, i) => `id${i}`)
    for (const id of ids) chunks.add('raw', id, seen(id), 1)
    expect(chunks.records).toBe(50)
    for (const { topic, partition, value } of chunks.take()) {
      expect(topic).toBe('raw')
      const here = codec.decode('raw', value).map((record) => (record.type === 'Seen' ? record.id : ''))
      expect(here).toEqual(ids.filter((id) => partitionOf(id, 3) === partition))
    }
    expect([chunks.take(), chunks.bytes, chunks.records]).toEqual([[], 0, 0])
  })

  it('ends a message at 1,000 records and at about 256 KiB', () => {
    const many = chunker(1)
    for (let i = 0; i < 2_500; i++) many.add('raw', 'k', seen(String(i)), i)
    const messages = many.take()
    expect(messages.map(({ value }) => codec.decode('raw', value).length)).toEqual([1_000, 1_000, 500])
    expect(messages.map(({ timestamp }) => timestamp)).toEqual([0, 1_000, 2_000])

    const large = chunker(1)
    for (let i = 0; i < 10; i++) large.add('raw', 'k', definition(String(i), 'x'.repeat(100_000)), 0)
    const values = large.take().map(({ value }) => value)
    expect(values.map((value) => codec.decode('raw', value).length)).toEqual([2, 2, 2, 2, 2])
    for (const value of values) expect(value.length).toBeLessThan(maxMessageBytes + 1_024)
  })

  it('sends one record a message where the topic is not chunked', () => {
    const chunks = chunker(1)
    chunks.add('commands', 'app', command('a'), 0)
    chunks.add('commands', 'app', command('b'), 0)
    expect(chunks.take().map(({ value, key }) => [key, codec.decode('commands', value).map(({ id }) => id)])).toEqual([
      ['app', ['a']],
      ['app', ['b']],
    ])
  })

  it('names a message’s key only where all its records share it', () => {
    const chunks = chunker(1)
    chunks.add('raw', 'a', seen('1'), 0)
    chunks.add('raw', 'a', seen('2'), 0)
    expect(chunks.take().map(({ key }) => key)).toEqual(['a'])
    chunks.add('raw', 'a', seen('1'), 0)
    chunks.add('raw', 'b', seen('2'), 0)
    expect(chunks.take().map(({ key }) => key)).toEqual([null])
    chunks.add('raw', 'a', seen('1'), 0)
    chunks.add('raw', null, seen('2'), 0)
    chunks.add('raw', 'a', seen('3'), 0)
    expect(chunks.take().map(({ key }) => key)).toEqual([null])
  })

  it('broadcasts to every partition', () => {
    const chunks = chunker(3)
    chunks.add('raw', null, seen('all'), 7)
    expect(chunks.take().map(({ partition, key, timestamp }) => [partition, key, timestamp])).toEqual([[0, null, 7], [1, null, 7], [2, null, 7]])
  })

  it('encodes a record when it is added: later changes to it are not sent', () => {
    const chunks = chunker(1)
    const record = { type: 'Seen' as const, app: 'app', id: 'before', run: 1 }
    chunks.add('raw', 'k', record, 0)
    record.id = 'after'
    expect(codec.decode('raw', chunks.take()[0]!.value)).toEqual([{ ...record, id: 'before' }])
  })

  it('splits what is over 256 KiB, in place among the others, and only where the topic knows parts', () => {
    const chunks = chunker(1)
    const big = definition('big', 'y'.repeat(1_000_000))
    chunks.add('raw', 'k', seen('first'), 0)
    chunks.add('raw', 'k', big, 0)
    chunks.add('raw', 'k', seen('last'), 0)
    chunks.add('commands', 'k', { ...command('big'), reason: 'z'.repeat(400_000) }, 0)
    const messages = chunks.take()
    const reader = new RecordReader(codec, 'raw', 0)
    const raw = messages.filter(({ topic }) => topic === 'raw')
    const read = raw.flatMap(({ value }, offset) => reader.read({ offset, key: null, timestamp: 0, value }))
    expect(read.map(({ record }) => record)).toEqual([seen('first'), big, seen('last')])
    for (const { value } of raw) expect(value.length).toBeLessThan(maxMessageBytes + 1_024)
    expect(messages.filter(({ topic }) => topic === 'commands')).toHaveLength(1)
  })

  it('refuses a record over 64 MiB and one that does not fit its schema', () => {
    expect(() => chunker().add('raw', 'k', definition('d', 'x'.repeat(65 * 1024 * 1024)), 0)).toThrow(/Definition for raw takes 68157\d+ bytes/)
    expect(() => chunker().add('raw', 'k', { type: 'Seen', app: 'app', id: 'a', run: 0.5 }, 0)).toThrow()
  })
})
