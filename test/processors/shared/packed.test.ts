import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DesiredEntry, LapsedEntry } from '../../../schemas/wire/common.ts'
import { readEntries, readLapses, readPosition, writeEntries, writeLapses, writePosition } from '../../../processors/shared/packed-access.ts'
import { PackReader, PackWriter } from '../../../processors/shared/packed.ts'

const text = fc.oneof(fc.constantFrom('', 'a', 'role:x'), fc.string({ unit: 'binary' }))
const time = fc.oneof(fc.integer(), fc.constantFrom(0, 1.5, Date.UTC(2100, 0) * 1_000))
const count = fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1), fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 48))
const step = fc.oneof(
  count.map((value) => ({ kind: 'count' as const, value })),
  fc.oneof(fc.integer(), fc.maxSafeInteger()).map((value) => ({ kind: 'whole' as const, value })),
  fc.boolean().map((value) => ({ kind: 'flag' as const, value })),
  fc.option(text).map((value) => ({ kind: 'text' as const, value })),
  text.map((value) => ({ kind: 'once' as const, value })),
  fc.option(time).map((value) => ({ kind: 'time' as const, value })),
)

test('what is read is what was written, in its order, also after other rows were written', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const to = new PackWriter()
      for (const one of steps) {
        if (one.kind === 'count') to.count(one.value)
        else if (one.kind === 'whole') to.whole(one.value)
        else if (one.kind === 'flag') to.flag(one.value)
        else if (one.kind === 'text') to.text(one.value)
        else if (one.kind === 'once') to.once(one.value)
        else to.time(one.value)
      }
      const packed = to.end()
      const other = new PackWriter()
      for (let i = 0; i < 200; i++) other.count(255)
      other.end()
      const from = new PackReader(packed)
      expect(steps.map(({ kind }) => from[kind]())).toEqual(steps.map(({ value }) => value))
    }),
  )
})

test('a long row outgrows the scratch space, and a text that comes back costs a byte', () => {
  const to = new PackWriter()
  for (let i = 0; i < 50_000; i++) to.text('again')
  const packed = to.end()
  expect(packed.length).toBe(1 + 1 + 'again'.length + 49_999)
  const from = new PackReader(packed)
  for (let i = 0; i < 50_000; i++) if (from.text() !== 'again') throw new Error(`text ${i} is another`)
})

const position = fc.record({ topic: text, partition: fc.integer(), offset: fc.maxSafeNat().map((n) => n % 2 ** 48), index: fc.nat() })
const reason = fc.record({
  kind: fc.constantFrom('business-role', 'request', 'decision'), id: text, by: fc.option(text), from: time, until: fc.option(time), source: position,
})
const kept = fc.record({ reason, ref: fc.option(text) }).map((of) => (of.ref === null ? of.reason : { ...of.reason, ref: of.ref }))
const entries: fc.Arbitrary<DesiredEntry[]> = fc.array(
  fc.record({ app: text, entitlement: text, from: time, until: fc.option(time), reasons: fc.array(kept, { maxLength: 3 }) }), { maxLength: 5 },
)
const lapses: fc.Arbitrary<LapsedEntry[]> = fc.array(
  fc.record({ app: text, entitlement: text, at: time, why: fc.constantFrom('expired', 'withdrawn', 'denied', 'ended'), reason: kept }), { maxLength: 5 },
)

test('access comes back whole, with the reasons\u2019 references where they have one', () => {
  fc.assert(
    fc.property(entries, lapses, position, (some, gone, at) => {
      const to = new PackWriter()
      writeEntries(to, some)
      writeLapses(to, gone)
      writePosition(to, at)
      const from = new PackReader(to.end())
      expect(readEntries(from)).toEqual(some)
      expect(readLapses(from)).toEqual(gone)
      expect(readPosition(from)).toEqual(at)
    }),
  )
})
