import { describe, expect, it } from 'vitest'
import type { KeyChange } from '../../../processors/entitle/keys.ts'
import { keyHistory } from '../../../processors/entitle/keys.ts'
import type { IdentityKey } from '../../../schemas/wire/raw.ts'

const mail = (key: string, since: number | null = null) => ({ space: 'mail', key, since })
const change = (given: Partial<KeyChange>): KeyChange => ({ history: [], current: [], ended: false, at: 50, startBefore: null, start: null, first: true, ...given })
const held = (key: string, since: number, until: number | null = null): IdentityKey => ({ space: 'mail', key, since, until })

describe('the beginning of a claim', () => {
  it('is the key’s own, else the start of an identity seen for the first time, else when the record became so', () => {
    expect(keyHistory(change({ current: [mail('a', 7), mail('b')], start: 20 }))).toEqual([held('a', 7), held('b', 20)])
    expect(keyHistory(change({ current: [mail('a', 7), mail('b')] }))).toEqual([held('a', 7), held('b', 50)])
  })

  it('is corrected by the source, and otherwise stays', () => {
    expect(keyHistory(change({ history: [held('a', 10), held('b', 10)], current: [mail('a', 4), mail('b')] }))).toEqual([held('a', 4), held('b', 10)])
  })

  it('moves with a start that is corrected, where it began with it', () => {
    const corrected = { history: [held('a', 20), held('b', 30)], current: [mail('a'), mail('b')], startBefore: 20, start: 15, first: false }
    expect(keyHistory(change(corrected))).toEqual([held('a', 15), held('b', 30)])
    expect(keyHistory(change({ ...corrected, startBefore: null }))).toEqual([held('a', 20), held('b', 30)])
    expect(keyHistory(change({ ...corrected, start: null }))).toEqual([held('a', 20), held('b', 30)])
  })

  it('is not the start where the key came later', () => {
    expect(keyHistory(change({ current: [mail('a')], start: 20, first: false }))).toEqual([held('a', 50)])
  })
})

describe('the end of a claim', () => {
  it('comes when the key is no longer given', () => {
    expect(keyHistory(change({ history: [held('a', 10)] }))).toEqual([held('a', 10, 50)])
  })

  it('stays what it was', () => {
    expect(keyHistory(change({ history: [held('a', 10, 30)] }))).toEqual([held('a', 10, 30)])
  })

  it('does not come with the end of the identity', () => {
    expect(keyHistory(change({ history: [held('a', 10)], ended: true }))).toEqual([held('a', 10)])
  })

  it('is undone by a key that comes back, which begins anew', () => {
    expect(keyHistory(change({ history: [held('a', 10, 30)], current: [mail('a')] }))).toEqual([held('a', 50)])
    expect(keyHistory(change({ history: [held('a', 10, 30)], current: [mail('a', 40)] }))).toEqual([held('a', 40)])
  })
})

describe('keys', () => {
  it('are folded: two spellings are one key, claimed since the earlier', () => {
    expect(keyHistory(change({ current: [mail(' Ann@X.org', 9), mail('ann@x.ORG', 3), mail('ANN@x.org')] }))).toEqual([held('ann@x.org', 3)])
  })

  it('of one text in two spaces are two, sorted by space and key', () => {
    expect(keyHistory(change({ current: [{ space: 'number', key: '1', since: 1 }, mail('b', 1), mail('a', 1)] })).map(({ space, key }) => `${space} ${key}`))
      .toEqual(['mail a', 'mail b', 'number 1'])
  })
})
