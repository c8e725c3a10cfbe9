import { expect, test } from 'vitest'
import { Interned, type Likeness } from '../../../processors/shared/interned.ts'

const utf8 = new TextEncoder()
const open = (likeness: Likeness<readonly string[]> | null = null): Interned<string[], readonly string[]> =>
  new Interned<string[], readonly string[]>((value) => utf8.encode(JSON.stringify(value)), (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as string[], likeness)
const packed = (...value: string[]): Uint8Array => utf8.encode(JSON.stringify(value))

test('what comes again is one frozen value, what came once is left as it is', () => {
  const interned = open()
  const first = interned.at(packed('a', 'b'))
  expect(Object.isFrozen(first)).toBe(false)
  const second = interned.at(packed('a', 'b'))
  expect(second).toEqual(first)
  expect(Object.isFrozen(second)).toBe(true)
  expect(interned.at(packed('a', 'b'))).toBe(second)
  expect(interned.of(['a', 'b'])).toBe(second)
  expect(interned.at(packed('a', 'c'))).toEqual(['a', 'c'])
})

test('a value that came once is packed in the bytes it came in; the bytes may change afterwards', () => {
  const interned = open()
  const bytes = packed('a')
  const value = interned.at(bytes)
  bytes.fill(0)
  expect(interned.bytesOf(value)).toEqual(packed('a'))
})

test('a value that came from elsewhere is the one from the second time on', () => {
  const interned = open()
  const first = interned.of(['b'])
  expect(Object.isFrozen(first)).toBe(false)
  expect(interned.bytesOf(first)).toEqual(packed('b'))
  const own = interned.of(['b'])
  expect(Object.isFrozen(own)).toBe(true)
  expect(interned.bytesOf(own)).toEqual(packed('b'))
  expect(interned.of(['b'])).toBe(own)
  expect(interned.at(packed('b'))).toBe(own)
})

test('what says the same as a value that comes again is that value, without being made', () => {
  const interned = open({ hash: (like) => like.length, same: (a, b) => a.join() === b.join() })
  const never = (): string[] => {
    throw new Error('it is known')
  }
  expect(interned.like(['a'], () => ['a'])).toEqual(['a'])
  const one = interned.like(['a'], () => ['a'])
  expect(Object.isFrozen(one)).toBe(true)
  expect(interned.like(['a'], never)).toBe(one)
  expect(interned.like(['b'], () => ['b'])).toEqual(['b'])
})

test('values without end are let go, and answered right all the same', () => {
  const interned = open()
  for (let round = 0; round < 3; round++) for (let i = 0; i < 3_000; i++) expect(interned.at(packed(`v${i}`))).toEqual([`v${i}`])
})
