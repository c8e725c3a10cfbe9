import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SqlStream } from '../../../connectors/sql/config.ts'
import { mapRow } from '../../../connectors/sql/map.ts'
import { isoMillis } from '../../../connectors/sql/values.ts'
import { MappingError } from '../../../src/ports/connector.ts'

const users = SqlStream.parse({
  name: 'users', piece: 'account', query: 'SELECT 1',
  columns: { id: 'id', status: 'state', kind: 'kind', created: 'created', values: { mail: 'mail' } },
  translate: { status: { Y: 'active', N: 'disabled' } },
})
const row = { id: 'u1', state: 'Y', kind: 'human', created: '2026-01-02T03:04:05Z', mail: 'a@b.c' }

function failure(patch: object): MappingError {
  try {
    mapRow(users, { ...row, ...patch })
  } catch (error) {
    if (error instanceof MappingError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('values', () => {
  test('a whole row', () => {
    expect(mapRow(users, row)).toEqual([
      { piece: 'account', id: 'u1', valid: null, attributes: {
        kind: 'human', status: 'active', display: null, created: Date.UTC(2026, 0, 2, 3, 4, 5), lastUsed: null, owner: null,
        values: { mail: 'a@b.c' } } },
    ])
  })

  test('NULL takes the default, and an empty attribute is left out', () => {
    const [piece] = mapRow(users, { ...row, state: null, kind: null, created: null, mail: '' })
    expect(piece).toMatchObject({ attributes: { status: 'active', kind: 'human', created: null, values: {} } })
  })

  test('ids: whole numbers are spelt out, beyond 2^53 as the text they came as', () => {
    expect(mapRow(users, { ...row, id: 42 })).toMatchObject([{ id: '42' }])
    expect(mapRow(users, { ...row, id: '9007199254740993' })).toMatchObject([{ id: '9007199254740993' }])
  })

  test.each([null, '', 1.5, 2 ** 60, true, new Date(0), { binaryBytes: 16 }])('%s is no id', (id) => {
    expect(failure({ id })).toMatchObject({ id: null })
  })

  test('an error names the object and the column, never the value', () => {
    for (const patch of [{ state: 'sEcret' }, { kind: 'sEcret' }, { created: 'sEcret' }, { mail: { binaryBytes: 6 } }]) {
      const error = failure(patch)
      expect(error.id).toBe('u1')
      expect(error.message).toContain(`column ${Object.keys(patch)[0]}`)
      expect(error.message).not.toContain('sEcret')
    }
  })

  test('a translation is not looked up on the prototype', () => {
    expect(failure({ state: 'constructor' }).message).toMatch(/without a translation/)
  })

  test('a configured column that the row lacks', () => {
    expect(failure({ state: undefined }).message).toMatch(/missing/)
    expect(() => mapRow(users, 'text')).toThrow(MappingError)
  })
})

describe('times', () => {
  const timed = (time: string) => SqlStream.parse({
    name: 'keys', piece: 'credential', query: 'SELECT 1', time, columns: { account: 'a', id: 'k', created: 'c' },
  })
  const created = (time: string, c: unknown) => mapRow(timed(time), { a: 'u1', k: 'k1', c })

  test.each([
    ['iso', '2026-01-02', Date.UTC(2026, 0, 2)],
    ['iso', '2026-01-02 03:04:05.6', Date.UTC(2026, 0, 2, 3, 4, 5, 600)],
    ['iso', '2026-01-02T03:04:05.123456+02:30', Date.UTC(2026, 0, 2, 0, 34, 5, 123)],
    ['epoch-seconds', 1.5, 1500],
    ['epoch-seconds', '1700000000', 1700000000000],
    ['epoch-ms', 1700000000123, 1700000000123],
    ['epoch-ms', new Date(77), 77],
    ['iso', new Date(77), 77],
  ])('%s %s', (time, value, expected) => {
    expect(created(time, value)).toMatchObject([{ credential: { id: 'k1', kind: 'key', created: expected } }])
  })

  test.each([
    ['iso', '2026-02-31'], ['iso', '2026-13-01'], ['iso', '2026-01-02T25:00:00Z'], ['iso', '02.01.2026'], ['iso', 1700000000],
    ['iso', '0000-00-00'], ['iso', true], ['epoch-seconds', '2026-01-02'], ['epoch-ms', 'x'], ['epoch-ms', Infinity], ['iso', '-infinity'],
  ])('%s refuses %s', (time, value) => expect(() => created(time, value)).toThrow(MappingError))

  test('reads back every instant that JavaScript writes', () => {
    fc.assert(fc.property(fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(9999, 0) }), (ms) => {
      expect(isoMillis(new Date(ms).toISOString())).toBe(ms)
    }))
  })
})

test('memberships, grants, children and definitions', () => {
  const stream = (config: object) => SqlStream.parse({ name: 's', query: 'SELECT 1', ...config })
  const membership = stream({ piece: 'membership', columns: { account: 'a', id: 'r', kind: 'k' }, translate: { kind: { G: 'group', R: 'role' } } })
  expect(mapRow(membership, { a: 1, r: 'x', k: 'G' })).toEqual([{ piece: 'membership', account: '1', ref: { kind: 'group', id: 'x' }, valid: null }])
  expect(() => mapRow(membership, { a: 1, r: null, k: 'G' })).toThrow(expect.objectContaining({ id: '1' }))
  expect(mapRow(stream({ piece: 'grant', columns: { account: 'a', entitlement: 'e' } }), { a: 'u', e: 'p' })).toEqual([
    { piece: 'grant', account: 'u', entitlement: 'p', valid: null },
  ])
  expect(mapRow(stream({ piece: 'child', columns: { parent: 'p', child: 'c' } }), { p: 'r', c: 'e' })).toEqual([
    { piece: 'child', parent: { kind: 'role', id: 'r' }, child: { kind: 'entitlement', id: 'e' } },
  ])
  expect(mapRow(stream({ piece: 'definition', columns: { id: 'i' }, defaults: { kind: 'group' } }), { i: 'g' })).toEqual([
    { piece: 'definition', ref: { kind: 'group', id: 'g' }, name: null, valid: null },
  ])
})
