import { describe, expect, test } from 'vitest'
import type { Claim } from '../../../processors/normalise/match.ts'
import { decide, isLive, nextRelease } from '../../../processors/normalise/match.ts'

const claim = (identity: string, since: number, until: number | null = null): Claim => ({ identity, since, until })
const alone = (): null => null
const chain = (links: Record<string, string>) => (identity: string): string | null => links[identity] ?? null

describe('whose a key is', () => {
  test('nobody’s without a claim, the only claimant’s with one', () => {
    expect(decide([], [], null, alone).claimed).toEqual({ state: 'none' })
    expect(decide([claim('i', 5)], [], 1, alone).claimed).toEqual({ state: 'matched', identity: 'i' })
  })

  test.each([
    ['created when the last claim began', 20, 'matched', 'c'],
    ['created just before', 19, 'contested', 'a'],
    ['of unknown age', null, 'contested', 'a'],
  ] as const)('an account %s', (_name, created, state, identity) => {
    expect(decide([claim('a', 1), claim('b', 10), claim('c', 20)], [], created, alone).claimed).toMatchObject({ state, identity })
  })

  test('two that began last together leave it contested, whatever its age', () => {
    expect(decide([claim('a', 1), claim('b', 20), claim('c', 20)], [], 99, alone).claimed).toEqual({
      state: 'contested', identity: 'a', candidates: ['a', 'b', 'c'], since: 20,
    })
  })

  test('two that began first together leave it with nobody', () => {
    expect(decide([claim('b', 1), claim('a', 1), claim('c', 20)], [], null, alone).claimed).toEqual({
      state: 'contested', identity: null, candidates: ['a', 'b', 'c'], since: 1,
    })
  })

  test('who continues all others has it; who continues only some has not', () => {
    const claims = [claim('a', 1), claim('b', 2), claim('c', 3)]
    expect(decide(claims, [], null, chain({ c: 'x', x: 'b', b: 'a' }))).toEqual({
      claimed: { state: 'matched', identity: 'c' }, weighed: ['a', 'b', 'c'], walked: ['c', 'x', 'b'],
    })
    expect(decide(claims, [], null, chain({ c: 'b' })).claimed).toMatchObject({ state: 'contested', identity: 'a' })
  })

  test('who is continued by an earlier claimant has nothing of it', () => {
    expect(decide([claim('a', 1), claim('b', 2)], [], null, chain({ a: 'b' })).claimed).toMatchObject({ state: 'contested', identity: 'a' })
  })

  test.each([
    ['created when the newer claim began', 20, alone, 'matched', 'b', ['a', 'b']],
    ['created before, though the other one gave the key up', 19, alone, 'contested', null, ['a', 'b']],
    ['of unknown age', null, alone, 'contested', null, ['a', 'b']],
    ['of unknown age, where the newer one continues the other', null, chain({ b: 'a' }), 'matched', 'b', null],
  ] as const)('an account %s, of a key that went from one to another', (_name, created, continues, state, identity, candidates) => {
    const { claimed } = decide([claim('b', 20)], [claim('a', 1, 10)], created, continues)
    expect(claimed).toMatchObject({ state, identity, ...(state === 'contested' && { candidates }) })
  })

  test.each([
    ['of unknown age', null, 'matched', []],
    ['older than that', 4, 'matched', []],
    ['made meanwhile', 5, 'contested', ['a', 'b']],
    ['made when that was over', 6, 'matched', []],
  ] as const)('who had it in between and gave it up may have an account made meanwhile: one %s', (_name, created, state, candidates) => {
    const { claimed } = decide([claim('a', 1)], [claim('b', 5, 6)], created, alone)
    expect(claimed).toEqual({ state, identity: 'a', ...(state === 'contested' && { candidates, since: 5 }) })
  })

  test('who had it together with the one that has it, when the account was made, may have it too', () => {
    expect(decide([claim('a', 5)], [claim('b', 5, 9)], 7, alone).claimed).toEqual({ state: 'contested', identity: null, candidates: ['a', 'b'], since: 5 })
    expect(decide([claim('a', 5)], [claim('b', 5, 9)], 9, alone).claimed).toMatchObject({ state: 'matched' })
  })

  test('several that have it, and one that had it before all of them: it is with none of these', () => {
    const claims = [claim('b', 2), claim('c', 3)]
    const contested = { state: 'contested', identity: null, candidates: ['a', 'b', 'c'], since: 2 }
    expect(decide(claims, [claim('a', 1, 2)], null, chain({ c: 'b' })).claimed).toEqual(contested)
    expect(decide(claims, [claim('a', 1, 2)], null, chain({ c: 'b', b: 'a' })).claimed).toEqual({ state: 'matched', identity: 'c' })
    expect(decide([claim('b', 3), claim('c', 3)], [claim('a', 1, 2)], 9, alone).claimed).toEqual({ ...contested, since: 3 })
  })

  test('several that have it, and one that had it later than the first: it is with the first', () => {
    expect(decide([claim('a', 1), claim('c', 3)], [claim('b', 2, 3)], null, alone).claimed).toEqual({ state: 'contested', identity: 'a', candidates: ['a', 'b', 'c'], since: 2 })
  })

  test.each<[string, Claim[], Claim[], number]>([
    ['the second of several that have it began', [claim('a', 1), claim('b', 4), claim('c', 9)], [], 4],
    ['who has it now got it from another', [claim('b', 9)], [claim('a', 1, 5)], 9],
    ['it came back to somebody, who had it long ago, while another has it', [claim('a', 7), claim('b', 3)], [claim('a', 1, 2)], 7],
    ['somebody got it after it had been nobody’s, whoever had it before', [claim('c', 9)], [claim('a', 1, 2), claim('b', 3, 4)], 9],
  ])('it is contested since %s', (_name, live, released, since) => {
    expect(decide(live, released, null, alone).claimed).toMatchObject({ state: 'contested', since })
  })

  test('nobody’s claims are weighed where one alone has it and had it', () => {
    expect(decide([claim('a', 1)], [], null, alone)).toMatchObject({ weighed: [], walked: [] })
    expect(decide([claim('b', 9)], [claim('a', 1, 5)], 10, alone)).toMatchObject({ claimed: { state: 'matched' }, weighed: ['a', 'b'] })
  })

  test('who has it again had it for as long as now', () => {
    expect(decide([claim('a', 9)], [claim('a', 1, 3)], 2, alone).claimed).toEqual({ state: 'matched', identity: 'a' })
  })

  test('a chain that turns in a circle ends', () => {
    expect(decide([claim('a', 1), claim('b', 2)], [], null, chain({ b: 'x', x: 'b' }))).toMatchObject({
      claimed: { state: 'contested' }, walked: ['b', 'x'],
    })
  })
})

describe('how long a claim counts', () => {
  test('until it is released, and for the delay after that', () => {
    expect(isLive(claim('i', 0), 0, 1_000)).toBe(true)
    expect(isLive(claim('i', 0, 900), 100, 999)).toBe(true)
    expect(isLive(claim('i', 0, 900), 100, 1_000)).toBe(false)
  })

  test('the next to stop is the earliest that has not', () => {
    expect(nextRelease([claim('a', 0), claim('b', 0, 50), claim('c', 0, 30), claim('d', 0, 10)], 5, 20)).toBe(35)
    expect(nextRelease([claim('a', 0), claim('b', 0, 10)], 5, 15)).toBeNull()
  })
})
