import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Part } from '../../schemas/wire/common.ts'
import { topicNames } from '../../schemas/wire/topics.ts'
import { assemble, maxWaitingParts, splitRecord, travelsInParts, type PartRows } from '../../src/runtime/parts.ts'

class Rows implements PartRows {
  readonly rows = new Map<string, unknown>()
  getOwn(key: string): unknown {
    return structuredClone(this.rows.get(key))
  }
  putOwn(key: string, value: unknown): void {
    this.rows.set(key, structuredClone(value))
  }
  deleteOwn(key: string): void {
    this.rows.delete(key)
  }
}

const bytesOf = (size: number, fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(fill)
const outcome = (rows: Rows, parts: Part[]): (Uint8Array | null)[] => parts.map((part) => assemble(rows, part).whole)

describe('parts', () => {
  it('are known to exactly the topics whose union has them', () => {
    expect(topicNames.filter(travelsInParts)).toEqual(['raw', 'intent', 'facts', 'access'])
  })

  it('come together at the last one, however several records’ parts are mixed, and leave nothing behind', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 900_000 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), (sizes, order) => {
        const records = sizes.map((size, i) => bytesOf(size, i + 1))
        const waiting = records.flatMap((bytes, i) => splitRecord(`writer${i}`, bytes))
        const rows = new Rows()
        const found: Uint8Array[] = []
        while (waiting.length > 0) {
          const [part] = waiting.splice((order.next().value ?? 0) % waiting.length, 1)
          const { whole, rejected } = assemble(rows, part!)
          expect(rejected).toBe(null)
          if (whole !== null) found.push(whole)
        }
        const bySize = (a: Uint8Array, b: Uint8Array): number => a.length - b.length || a[0]! - b[0]!
        expect(found.sort(bySize).map((bytes) => [bytes.length, bytes[0], bytes.at(-1)])).toEqual(
          records.sort(bySize).map((bytes) => [bytes.length, bytes[0], bytes.at(-1)]),
        )
        expect(rows.rows.size).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  it('have an id of writer and content, equal each time', () => {
    const [one] = splitRecord('w', bytesOf(10, 1))
    expect(splitRecord('w', bytesOf(10, 1))[0]).toEqual(one)
    expect(splitRecord('v', bytesOf(10, 1))[0]!.id).not.toBe(one!.id)
    expect(splitRecord('w', bytesOf(10, 2))[0]!.id).not.toBe(one!.id)
  })

  it('may be repeated', () => {
    const parts = splitRecord('w', bytesOf(600_000, 5))
    const found = outcome(new Rows(), [parts[0]!, parts[0]!, parts[2]!, parts[1]!])
    expect(found.map((whole) => whole?.length)).toEqual([undefined, undefined, undefined, 600_000])
  })

  it('of 200 writers at once come together, each part behind one of everybody’s', () => {
    const rows = new Rows()
    const records = Array.from({ length: 200 }, (_, i) => splitRecord(`writer${i}`, bytesOf(600_000, i)))
    const parts = [0, 1, 2].flatMap((part) => records.map((record) => record[part]!))
    const answers = parts.map((part) => assemble(rows, part))
    expect(answers.filter(({ rejected }) => rejected !== null)).toEqual([])
    expect(answers.flatMap(({ whole }) => whole?.[0] ?? [])).toEqual(records.map((_, i) => i))
    expect(rows.rows.size).toBe(0)
  })

  it('that wait in too great a number give up the record begun first, and say which', () => {
    const rows = new Rows()
    const part = (id: string, index: number): Part => ({ type: 'Part', id, part: index, of: 200, bytes: bytesOf(1, 1) })
    const parts = Array.from({ length: maxWaitingParts }, (_, i) => part(`record${Math.floor(i / 199)}`, i % 199))
    expect(parts.filter((one) => assemble(rows, one).rejected !== null)).toEqual([])
    expect(assemble(rows, part('late', 0)).rejected).toMatch(/^record record0 had 199 of 200 parts when more than 4128 of all records waited$/)
    expect(outcome(rows, [part('record1', 199)]).at(-1)?.length).toBe(200)
    expect([...rows.rows.keys()].filter((key) => key.startsWith('part/')).length).toBe(maxWaitingParts - 2 * 199 + 1)
  })

  it('that contradict themselves or are too many are refused', () => {
    const part = (fields: Partial<Part>): Part => ({ type: 'Part', id: 'x', part: 0, of: 2, bytes: bytesOf(1, 1), ...fields })
    for (const wrong of [part({ of: 0 }), part({ part: 2 }), part({ part: -1 }), part({ of: 1_000_000 })]) {
      expect(assemble(new Rows(), wrong).rejected).toMatch(/a record has 1 to 258 parts/)
    }
    expect(assemble(new Rows(), part({ bytes: bytesOf(1_000_000, 1) })).rejected).toMatch(/part 0 of 2 of record x has 1000000 bytes: a part has at most 262144/)
    const rows = new Rows()
    assemble(rows, part({}))
    const { whole, rejected } = assemble(rows, part({ of: 1 }))
    expect(rejected).toMatch(/begun with 2 parts and went on with 1/)
    expect(whole).toEqual(Buffer.of(1))
    expect(rows.rows.size).toBe(0)
  })
})
