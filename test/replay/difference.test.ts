import { describe, expect, it } from 'vitest'
import { firstField, short, tell, type DifferenceKind } from '../../src/replay/difference.ts'

describe('the first field that is not equal', () => {
  it('is named by its path', () => {
    expect(firstField({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBeNull()
    expect(firstField({ a: 1, b: [{ c: null }] }, { a: 1, b: [{ c: 2 }] })).toBe('b[0].c')
    expect(firstField({ b: 1, a: 1 }, { b: 2, a: 2 })).toBe('a')
    expect(firstField({ list: ['x'] }, { list: ['x', 'y'] })).toBe('list[1]')
    expect(firstField({ bytes: Uint8Array.of(1) }, { bytes: Uint8Array.of(2) })).toBe('bytes')
    expect(firstField({ a: [] }, { a: null })).toBe('a')
  })
})

describe('a record in short', () => {
  it('begins with its type and is cut where it is long', () => {
    expect(short({ z: 1, type: 'Tick', a: Uint8Array.of(255) })).toBe('Tick {"a":"ff","z":1}')
    expect(short({ text: 'x'.repeat(1_000) })).toMatch(/^\{"text":"x{100,}… \(1011 characters\)$/)
  })
})

it.each<[DifferenceKind, RegExp]>([
  ['changed', /app is not what the re-run gives. Recorded: R. Derived: D/], ['missing', /missing here. Derived: D/], ['extra', /no such record here. Recorded: R/],
  ['unattributed', /nothing that writes/], ['unreadable', /can't be read: R/], ['failed', /failed: D/],
])('a sentence about what is %s names the place', (kind, pattern) => {
  const text = tell({ kind, at: { topic: 'facts', partition: 2, offset: 7, index: 1 }, field: 'app', recorded: 'R', derived: 'D' })
  expect(text).toMatch(/^facts\/2 offset 7 index 1: /)
  expect(text).toMatch(pattern)
})
