import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalise } from '../../../processors/normalise/normalise.ts'
import { Account } from '../../../schemas/wire/raw.ts'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import type { OpenChunk } from '../../../src/ports/codec.ts'
import { MemorySchemaStore } from '../../support/memory-schemas.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import { account, role, setting, snapshot, tick, type Sketch } from './world.ts'

const codec = createFileCodec(new MemorySchemaStore())
const ids = Array.from({ length: 12 }, (_, i) => `a${i}`)
const sketches: Record<string, Sketch> = Object.fromEntries(ids.map((id, i) => [id, { direct: ['p'], roles: i % 3 === 0 ? [role('r')] : [] }]))

function prepared(): ProcessorDriver<'raw'> {
  const driver = new ProcessorDriver(normalise)
  driver.push(tick(1), setting(), ...snapshot({ run: 1, from: 1_000_000, accounts: sketches }))
  return driver
}

const message = Buffer.from(codec.encode('raw', ids.map((id) => account(id, 2_000_000, sketches[id], 2))))

const looked = codec.open!('raw', message)
const fields = Object.keys(Account.shape)
/** Bytes of the runs and times, which no row has. */
const whens = ids.flatMap((_id, index) => {
  const { ends } = looked.encoded(index)!
  const from = ends[fields.indexOf('native')]!
  return Array.from({ length: ends[fields.indexOf('valid')]! - from }, (_byte, i) => from + i)
})
const place = fc.oneof(fc.integer({ min: 5, max: message.length - 1 }), fc.constantFrom(...whens))

/** Its records and their bytes, or the error that says at its opening that it can't be read. */
function outcome(open: () => OpenChunk<'raw'>): unknown {
  let chunk
  try {
    chunk = open()
  } catch (error) {
    return (error as Error).name
  }
  return Array.from({ length: chunk.count }, (_, index) => [chunk.record(index), Array.from(chunk.encoded(index)!.ends)])
}

test('what is foreseen of a message is looked through as all others are, whichever of its bytes is another, missing or too many', () => {
  const driver = prepared()
  let foreseen = 0
  const damage = fc.record({ at: place, instead: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.integer({ min: 0, max: 6 }).map((byte) => Uint8Array.of(byte))), less: fc.integer({ min: 0, max: 2 }) })
  const overlong = fc.record({
    at: place, less: fc.constant(1),
    instead: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 1, 0x7f)).map(([more, last]) => Uint8Array.from([...new Array<number>(more).fill(0x80), last])),
  })
  fc.assert(
    fc.property(fc.oneof(damage, overlong), ({ at, instead, less }) => {
      const damaged = Buffer.concat([message.subarray(0, at), instead, message.subarray(at + less)])
      expect(outcome(() => driver.open(damaged))).toEqual(outcome(() => codec.open!('raw', damaged)))
      try {
        const chunk = driver.open(damaged)
        for (let index = 0; index < chunk.count; index++) if (chunk.foreseen(index) !== null) foreseen++
      } catch {
        // compared above
      }
    }),
    { numRuns: 3_000 },
  )
  expect(foreseen).toBeGreaterThan(3_000)
})

test('a message in another order, or of a first run, is given up after a few accounts', () => {
  const driver = prepared()
  const foreseen = (of: readonly string[]): number => {
    const chunk = driver.open(codec.encode('raw', of.map((id) => account(id, 2_000_000, sketches[id] ?? {}, 2))))
    return of.filter((_id, index) => chunk.foreseen(index) !== null).length
  }
  expect(foreseen(ids)).toBe(12)
  const unknown = Array.from({ length: 7 }, (_, i) => `new${i}`)
  expect(foreseen([...unknown, ...ids])).toBe(12)
  expect(foreseen([...unknown, 'new', ...ids])).toBe(0)
})
