import { describe, expect, test } from 'vitest'
import type { Credential } from '../../../schemas/wire/common.ts'
import type { Assignment, AttributesFacet } from '../../../schemas/wire/raw.ts'
import type { Kept } from '../../../processors/normalise/account.ts'
import { nextAssignments, nextAttributes, nextCredentials, nextFacet } from '../../../processors/normalise/facets.ts'
import { entitlement, role } from './world.ts'

const has = (id: string, valid: number | null = null): Assignment => ({ ref: role(id), valid })
const attributes = (more: Partial<AttributesFacet> = {}): AttributesFacet => ({
  whole: true, kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {}, ...more,
})
const credential = (id: string, lastUsed: number | null = null): Credential => ({
  id, kind: 'key', created: null, lastUsed, expires: null,
})

describe('assignments', () => {
  test('a whole facet replaces, sorted, each reference once, the later one counting', () => {
    const added = [has('b'), { ref: entitlement('z'), valid: null }, has('a', 1), has('a', 2)]
    expect(nextAssignments([has('old')], { whole: true, added, removed: [] })).toEqual([{ ref: entitlement('z'), valid: null }, has('a', 2), has('b')])
  })

  test('one that is not whole adds, and removes what it lists', () => {
    expect(nextAssignments([has('a'), has('b')], { whole: false, added: [has('c')], removed: [role('a'), role('nobody')] })).toEqual([has('b'), has('c')])
  })

  test('what is both removed and added is there', () => {
    expect(nextAssignments([has('a')], { whole: false, added: [has('a', 7)], removed: [role('a')] })).toEqual([has('a', 7)])
  })
})

test('credentials are told apart by their id', () => {
  const before = [credential('a', 1), credential('b')]
  expect(nextCredentials(before, { whole: false, added: [credential('a', 2)], removed: ['b'] })).toEqual([credential('a', 2)])
  expect(nextCredentials(before, { whole: true, added: [credential('c')], removed: [] })).toEqual([credential('c')])
})

describe('attributes', () => {
  test('a whole facet replaces', () => {
    const before = nextAttributes(null, attributes({ display: 'Ann', values: { mail: 'x' } }))
    expect(nextAttributes(before, attributes({ values: { no: '7' } }))).toMatchObject({ display: null, values: { no: '7' } })
  })

  test('one that is not whole leaves what it does not name', () => {
    const before = nextAttributes(null, attributes({ display: 'Ann', created: 5, values: { mail: 'x', no: '7' } }))
    expect(nextAttributes(before, attributes({ whole: false, status: 'disabled', values: { mail: 'y' } }))).toMatchObject({
      status: 'disabled', display: 'Ann', created: 5, values: { mail: 'y', no: '7' },
    })
  })

  test('the order of values is not content, and any name is a name', () => {
    const values = JSON.parse('{"b":"1","__proto__":"2"}') as Record<string, string>
    const reversed = JSON.parse('{"__proto__":"2","b":"1"}') as Record<string, string>
    const one = nextAttributes(null, attributes({ values }))
    expect(JSON.stringify(nextAttributes(null, attributes({ values: reversed })))).toBe(JSON.stringify(one))
    expect(JSON.stringify(one.values)).toBe('{"__proto__":"2","b":"1"}')
  })
})

describe('a facet after an observation', () => {
  const kept = (observed: number, content: string, whole = true): Kept<string> => ({ observed, valid: null, whole, at: [observed, 0], content })

  test('equal content of a run writes nothing; of a single read it moves the stamp only', () => {
    expect(nextFacet(kept(1, 'x'), kept(5, 'x'), false)).toEqual({ kept: kept(1, 'x'), changed: false, moved: false })
    expect(nextFacet(kept(1, 'x'), kept(5, 'x'), true)).toEqual({ kept: { ...kept(1, 'x'), observed: 5 }, changed: false, moved: true })
  })

  test('whole once is whole for good', () => {
    expect(nextFacet(kept(1, 'x', false), kept(2, 'x', true), false)).toMatchObject({ changed: true, kept: { whole: true } })
    expect(nextFacet(kept(1, 'x', true), kept(2, 'x', false), false)).toMatchObject({ changed: false, kept: { whole: true } })
    expect(nextFacet(kept(1, 'x', true), kept(2, 'y', false), false)).toMatchObject({ changed: true, kept: { whole: true, content: 'y' } })
  })
})
