import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, type Claimant, type Shares } from '../../../src/adapters/log-kafka/assignor.ts'

const member = (id: string, generation = -1, owned: Record<string, number[]> = {}): Claimant => ({ id, generation, owned: new Map(Object.entries(owned)) })
const plain = (shares: Shares): Record<string, Record<string, number[]>> => Object.fromEntries([...shares].map(([id, share]) => [id, Object.fromEntries(share)]))

describe('sharing partitions out', () => {
  it('one member has all, two have half of each topic', () => {
    const topics = new Map([['raw', 4], ['facts', 4]])
    expect(plain(assign([member('a')], topics))).toEqual({ a: { raw: [0, 1, 2, 3], facts: [0, 1, 2, 3] } })
    const two = plain(assign([member('b'), member('a')], topics))
    for (const share of Object.values(two)) expect([share['raw']?.length, share['facts']?.length]).toEqual([2, 2])
  })

  it('who has partitions keeps what its share allows: only what a newcomer gets moves', () => {
    const before = member('a', 3, { raw: [0, 1, 2, 3] })
    const after = plain(assign([before, member('b')], new Map([['raw', 4]])))
    expect(after).toEqual({ a: { raw: [0, 1] }, b: { raw: [2, 3] } })
  })

  it('of two that claim the same, the later generation has it: the other one slept', () => {
    const after = plain(assign([member('a', 3, { raw: [0, 1] }), member('b', 5, { raw: [1] })], new Map([['raw', 2]])))
    expect(after).toEqual({ a: { raw: [0] }, b: { raw: [1] } })
  })

  it('gives each partition to one member, evenly, the same whatever the order of the members, and moves no more than it has to', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 })
    const counts = fc.record({ raw: fc.integer({ min: 1, max: 9 }), facts: fc.integer({ min: 1, max: 9 }), intent: fc.integer({ min: 1, max: 9 }) })
    fc.assert(
      fc.property(names, names, counts, (first, second, record) => {
        const topics = new Map(Object.entries(record))
        const owned = assign(first.map((id) => member(id)), topics)
        const members = second.map((id) => ({ id, generation: 1, owned: owned.get(id) ?? new Map<string, number[]>() }))
        const shares = assign(members, topics)
        expect(plain(assign([...members].reverse(), topics))).toEqual(plain(shares))
        for (const [topic, count] of topics) {
          const all = [...shares.values()].flatMap((share) => share.get(topic) ?? [])
          expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
          const sizes = [...shares.values()].map((share) => share.get(topic)?.length ?? 0)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
          for (const { id, owned: had } of members) {
            const keeps = (had.get(topic) ?? []).filter((partition) => shares.get(id)!.get(topic)!.includes(partition))
            expect(keeps.length).toBeGreaterThanOrEqual(Math.min(had.get(topic)?.length ?? 0, Math.floor(count / members.length)))
          }
        }
      }),
    )
  })
})
