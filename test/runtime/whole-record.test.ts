import { describe, expect, it } from 'vitest'
import type { Part } from '../../schemas/wire/common.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { splitRecord } from '../../src/runtime/parts.ts'
import { RecordReader } from '../../src/runtime/records.ts'
import { RowReader } from '../../src/sink/row-reader.ts'
import { seen, tally } from '../support/fixture-processors.ts'
import { startOfTime, Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

const [kind] = logKinds
const framed = (records: RecordOf<'raw'>[]): Uint8Array => codec.encode('raw', records)
const inOnePart = (whole: Uint8Array, id = 'x'): Part => ({ type: 'Part', id, part: 0, of: 1, bytes: Uint8Array.from(whole) })
const otherSchema = (): Uint8Array => {
  const bytes = Uint8Array.from(framed([seen('a')]))
  bytes[1]! ^= 1
  return bytes
}

const wrong: [string, () => Uint8Array, RegExp][] = [
  ['two records', () => framed([seen('a'), seen('b')]), /record x, of 1 parts, is not one whole record/],
  ['no record', () => framed([]), /record x, of 1 parts, is not one whole record/],
  ['a part again', () => framed([inOnePart(framed([seen('a')]), 'y')]), /record x, of 1 parts, is not one whole record/],
  ['a record of a schema that the message does not name', otherSchema, /record x, of 1 parts, does not name the schema of the message/],
  ['nothing', () => new Uint8Array(), /does not name the schema/],
  ['damage', () => framed([seen('a')]).slice(0, -1), /the message ends here/],
]

describe.each(wrong)('parts that hold %s', (_name, whole, reason) => {
  it('are a dead letter that says why, and what stands behind them is processed', async () => {
    await using log = await kind!.open(1)
    const topology = new Topology({ types: [tally], log, codec })
    const stranger = await log.openTask('stranger')
    const value = framed([inOnePart(whole()), seen('behind')])
    await stranger.commit({ state: new Map(), appends: [{ topic: 'raw', partition: 0, key: null, timestamp: startOfTime, value }] })
    await topology.drain()
    const letters = (await topology.outputs('dead-letters')).map(({ record }) => record)
    expect(letters.map(({ place, code }) => [place, code])).toEqual([['raw/0/0/0', 'undecodable-record']])
    expect(letters[0]!.reason).toMatch(reason)
    expect((await topology.outputs('facts')).map(({ record }) => record.type === 'AccountGone' && record.account)).toEqual(['behind'])
  })

  it('are said to be none by who reads without a state', () => {
    const message = { offset: 3, key: null, timestamp: 5, value: framed([inOnePart(whole()), seen('behind')]) }
    const read = new RecordReader(codec, 'raw', 0).read(message)
    expect(read.map(({ record, position }) => [record?.type, position.index])).toEqual([[undefined, 0], ['Seen', 1]])
    expect(read[0]!.error).toMatch(reason)
  })
})

it('the sink has a row for parts that are none', () => {
  const bytes = codec.encode('access', [])
  const rows = new RowReader(codec, { topic: 'access', partition: 0 }).rows({ offset: 3, key: null, timestamp: 5, value: codec.encode('access', [inOnePart(bytes)]) })
  expect(rows.map(({ table, row }) => [table, row['reason']])).toEqual([['dead_letters', expect.stringMatching(/is not one whole record/)]])
})

it('a record that was split as this release does it is whole', () => {
  const [part] = splitRecord('writer', framed([seen('a')]))
  const read = new RecordReader(codec, 'raw', 0).read({ offset: 3, key: null, timestamp: 5, value: framed([part!]) })
  expect(read.map(({ record }) => record)).toEqual([seen('a')])
})
