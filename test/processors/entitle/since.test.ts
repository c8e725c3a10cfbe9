import { describe, expect, it } from 'vitest'
import { attributesSince, datedGrants, matchedSince, roleSince } from '../../../processors/entitle/since.ts'
import { person, role } from './given.ts'

describe('attributes', () => {
  const first = person('ann', { start: 100, attributes: { a: '1', b: '1' } })

  it('are as old as the identity when it is first seen, without a start as its record', () => {
    expect(attributesSince(first, undefined, 5_000)).toEqual({ a: 0, b: 0 })
    expect(attributesSince({ ...first, start: null, valid: 70 }, undefined, 5_000)).toEqual({ a: 70, b: 70 })
    expect(attributesSince({ ...first, start: null }, undefined, 5_000)).toEqual({ a: 1_000, b: 1_000 })
  })

  it('that change or come begin with the change, the others go on', () => {
    const since = { a: 100, b: 100 }
    const next = person('ann', { attributes: { a: '1', b: '2', c: '1' }, observed: 3_000_000 })
    expect(attributesSince(next, { record: first, since }, 5_000)).toEqual({ a: 100, b: 3_000, c: 3_000 })
    expect(attributesSince({ ...next, valid: 2_500 }, { record: first, since }, 5_000)).toEqual({ a: 100, b: 2_500, c: 2_500 })
  })

  it('have begun when they were observed, though the source’s clock is ahead of the last tick', () => {
    const next = person('ann', { attributes: { a: '2', b: '1' }, observed: 9_000_000 })
    expect(attributesSince(next, { record: first, since: { a: 100, b: 100 } }, 5_000)).toEqual({ a: 5_000, b: 100 })
  })
})

describe('roles', () => {
  const first = role('r', ['crm:a', 'crm:b'], { when: { x: '1' } })
  const times = (of: Parameters<typeof datedGrants>[0]): number[] => datedGrants(of).map(({ since }) => since)

  it('of a feed’s first complete run are as old as can be, later ones are new', () => {
    const since = roleSince(first, undefined, { loaded: false, now: 5_000 })
    expect([...times({ record: first, since }), matchedSince({ record: first, since }, { x: 40 })]).toEqual([0, 0, 40])
    const late = roleSince(first, undefined, { loaded: true, now: 5_000 })
    expect([...times({ record: first, since: late }), matchedSince({ record: first, since: late }, { x: 40 })]).toEqual([1_000, 1_000, 1_000])
  })

  it('have each grant and the condition since they were added', () => {
    const since = roleSince(first, undefined, { loaded: false, now: 5_000 })
    const more = role('r', ['crm:b', 'crm:c'], { when: { x: '1' }, observed: 3_000_000 })
    const added = roleSince(more, { record: first, since }, { loaded: true, now: 5_000 })
    expect([...times({ record: more, since: added }), matchedSince({ record: more, since: added }, { x: 40 })]).toEqual([0, 3_000, 40])
    const other = { ...more, when: { x: '1', y: '1' } }
    const narrowed = roleSince(other, { record: first, since }, { loaded: true, now: 5_000 })
    expect(matchedSince({ record: other, since: narrowed }, { x: 40, y: 40 })).toBe(3_000)
  })
})
