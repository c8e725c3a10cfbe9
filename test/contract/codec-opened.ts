import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../../src/ports/codec.ts'

/** Of the codec kit: messages that are looked through before they are decoded. */
export function opened<T extends Topic>(topic: T, records: fc.Arbitrary<RecordOf<T>[]>, codec: () => Codec): void {
  it('opens what it decodes: the same records, in any order, and their bytes', () => {
    fc.assert(
      fc.property(records, (some) => {
        const chunk = codec().open?.(topic, codec().encode(topic, some))
        if (chunk === undefined) return
        const indexes = some.map((_record, index) => index).reverse()
        expect(chunk.count).toBe(some.length)
        expect(indexes.map((index) => chunk.record(index))).toStrictEqual(some.toReversed())
        for (const index of indexes) {
          const encoded = chunk.encoded(index)
          if (encoded === null) continue
          const bytes = Buffer.from(encoded.bytes.subarray(encoded.from, encoded.ends[encoded.ends.length - 1]))
          expect(encoded.type).toBe(some[index]!.type)
          expect(Buffer.from(codec().encodeRecord(topic, some[index]!)).subarray(-bytes.length)).toEqual(bytes)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('opens records whose ends it is told as it opens others, and says which these are', () => {
    fc.assert(
      fc.property(records, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), (some, told) => {
        const message = codec().encode(topic, some)
        const usual = codec().open?.(topic, message)
        if (usual === undefined) return
        const all = some.map((_record, index) => usual.encoded(index)).filter((encoded) => encoded !== null)
        const foreseen = all.filter((_encoded, index) => told[index])
        const chunk = codec().open!(topic, message, (type, bytes, at) => {
          const known = foreseen.find(({ from }) => from === at)
          if (known === undefined) return -1
          expect([type, Buffer.compare(bytes, known.bytes)]).toEqual([known.type, 0])
          return known.ends[known.ends.length - 1]!
        })
        expect(chunk.count).toBe(some.length)
        for (const [index, { type, from, ends }] of all.entries()) {
          expect(chunk.foreseen(index)).toEqual(told[index] ? { type, at: from } : null)
          expect(chunk.record(index)).toStrictEqual(some[index])
          expect(chunk.encoded(index)).toMatchObject({ type, from, ends: Array.from(ends) })
        }
      }),
      { numRuns: 40 },
    )
  })
}
