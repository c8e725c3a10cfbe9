import { describe, expect, it } from 'vitest'
import type { IdentityFacet } from '../../../processors/entitle/tenure.ts'
import { facetInForce, nextStatusChange, statusOf, tenureOf } from '../../../processors/entitle/tenure.ts'
import type { Identity } from '../../../schemas/wire/intent.ts'
import { person } from './given.ts'

const facet = (change: Partial<Identity>, gone = false): IdentityFacet => ({
  feed: change.feed ?? 'hr', gone, record: person('ann', { start: null, ...change }), attributesSince: {}, source: { topic: 'intent', partition: 0, offset: 0, index: 0 },
})

describe('the status', () => {
  it.each([
    ['active', { status: 'active' }, false, 'active'],
    ['planned for no known day', { status: 'planned' }, false, 'planned'],
    ['planned, start passed', { status: 'planned', start: 100 }, false, 'active'],
    ['active, start ahead', { status: 'active', start: 101 }, false, 'planned'],
    ['end ahead', { status: 'active', end: 101 }, false, 'active'],
    ['end reached', { status: 'active', end: 100 }, false, 'ended'],
    ['end passed before the start', { status: 'planned', start: 200, end: 50 }, false, 'ended'],
    ['ended by the record, end ahead', { status: 'ended', end: 500 }, false, 'ended'],
    ['gone', { status: 'active' }, true, 'ended'],
  ] as const)('%s', (_name, change, gone, status) => {
    expect(statusOf(facet(change, gone), 100)).toBe(status)
  })
})

describe('the tenure', () => {
  it('of the ended ends at their date, or where that is none or lies ahead, when the end was learnt', () => {
    expect(tenureOf(facet({ end: 60 }), 100, null)).toEqual({ status: 'ended', start: null, end: 60 })
    expect(tenureOf(facet({ status: 'ended', end: 500 }), 100, 90)).toEqual({ status: 'ended', start: null, end: 90 })
    expect(tenureOf(facet({}, true), 100, 90)).toEqual({ status: 'ended', start: null, end: 90 })
  })

  it('of others carries the end that lies ahead', () => {
    expect(tenureOf(facet({ start: 10, end: 500 }), 100, null)).toEqual({ status: 'active', start: 10, end: 500 })
  })
})

describe('the facet in force', () => {
  it('is the most alive, then the first by feed, in any order', () => {
    const ended = facet({ feed: 'a', status: 'ended' })
    const gone = facet({ feed: '0', status: 'ended' }, true)
    const active = facet({ feed: 'c' })
    const other = facet({ feed: 'b' })
    expect(facetInForce([ended, gone, active, other], 100)).toBe(other)
    expect(facetInForce([other, active, gone, ended], 100)).toBe(other)
    expect(facetInForce([gone, ended], 100)).toBe(ended)
    expect(facetInForce([], 100)).toBeUndefined()
  })
})

describe('the next change of status', () => {
  it('is the nearest start or end ahead; the ended have none', () => {
    expect(nextStatusChange([facet({ start: 300, end: 900 }), facet({ feed: 'b', end: 400 })], 100)).toBe(300)
    expect(nextStatusChange([facet({ start: 300, end: 900 })], 300)).toBe(900)
    expect(nextStatusChange([facet({ status: 'ended', end: 900 }), facet({ end: 900 }, true)], 100)).toBeNull()
  })
})
