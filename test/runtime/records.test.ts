import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/log.ts'
import { readPartition, RecordReader } from '../../src/runtime/records.ts'
import { splitRecord } from '../../src/runtime/parts.ts'
import { definition, seen } from '../support/fixture-processors.ts'
import { codec, logKinds } from './logs.ts'

const message = (offset: number, value: Uint8Array): Message => ({ offset, key: null, timestamp: 5, value })

describe('RecordReader', () => {
  it('answers each record with its position, and a large one where its last part stands', () => {
    const reader = new RecordReader(codec, 'raw', 3)
    const big = definition('big', 'x'.repeat(600_000))
    const parts = splitRecord('w', codec.encode('raw', [big]))
    const read = [
      ...reader.read(message(4, codec.encode('raw', [seen('a'), parts[0]!, seen('b')]))),
      ...reader.read(message(6, codec.encode('raw', [parts[1]!]))),
      ...reader.read(message(9, codec.encode('raw', [seen('c'), parts[2]!]))),
    ]
    expect(read.map(({ position, record }) => [position.offset, position.index, record])).toEqual([
      [4, 0, seen('a')], [4, 2, seen('b')], [9, 0, seen('c')], [9, 1, big],
    ])
    expect(read[0]).toMatchObject({ position: { topic: 'raw', partition: 3 }, message: { timestamp: 5 }, error: null })
  })

  it('says what can’t be decoded, in its place, and goes on', () => {
    const reader = new RecordReader(codec, 'raw', 0)
    const broken = splitRecord('w', Uint8Array.of(1, 2, 3))
    const read = [
      ...reader.read(message(0, Uint8Array.of(7))),
      ...reader.read(message(1, codec.encode('raw', [broken[0]!, { ...broken[0]!, part: 5 }, seen('a')]))),
    ]
    expect(read.map(({ position, record, error }) => [position.offset, position.index, record?.type, error === null])).toEqual([
      [0, 0, undefined, false], [1, 0, undefined, false], [1, 1, undefined, false], [1, 2, 'Seen', true],
    ])
  })
})

describe.each(logKinds)('readPartition on the $name', ({ open }) => {
  it('reads all there is from an offset on', async () => {
    await using log = await open(2)
    const store = await log.openTask('w')
    const append = { topic: 'raw', partition: 1, key: null, timestamp: 0 } as const
    for (const id of ['a', 'b', 'c']) {
      await store.commit({ appends: [{ ...append, value: codec.encode('raw', [seen(id), seen(`${id}2`)]) }], state: new Map() })
    }
    const found = []
    for await (const { record } of readPartition(log, codec, 'raw', 1, 1)) found.push(record?.type === 'Seen' ? record.id : '')
    expect(found).toEqual(['b', 'b2', 'c', 'c2'])
  })
})
