import { describe, expect, it } from 'vitest'
import { type Shape, type ShapeChange, ShapeLearner } from '../../src/connect/shape.ts'

const learned = (rows: readonly unknown[]): ShapeLearner => {
  const learner = new ShapeLearner()
  for (const [at, row] of rows.entries()) learner.add(row, `page 1, row ${at + 1}`)
  return learner
}
const changes = (before: readonly unknown[], after: readonly unknown[]): ShapeChange[] => learned(after).changesFrom(learned(before).shape ?? {}, 'users')

const before = [{ id: '1', name: 'Ann', active: true, meta: { created: 5 } }, { id: '2', name: 'Bob', active: false, meta: { created: null }, nick: 'b' }]

describe('the shape of rows', () => {
  it('is the same for the same rows in any order', () => {
    expect(learned(before).shape).toEqual(learned([...before].reverse()).shape)
    expect(changes(before, before)).toEqual([])
  })

  it('says which fields every row has, and their types', () => {
    expect(learned(before).shape).toMatchObject({ id: { types: ['string'], always: true }, nick: { always: false }, 'meta.created': { types: ['null', 'number'] } } satisfies Partial<Shape> | object)
  })

  it('a field that vanished', () => {
    const after = before.map(({ name: _name, ...rest }) => rest)
    expect(changes(before, after)).toEqual([{ stream: 'users', field: 'name', change: 'vanished', was: 'string', is: 'absent', example: null, place: 'users' }])
  })

  it('a renamed field is one that vanished and one that appeared, with a masked example', () => {
    const after = before.map(({ name, ...rest }) => ({ ...rest, full_name: name }))
    expect(changes(before, after)).toMatchObject([{ field: 'name', change: 'vanished' }, { field: 'full_name', change: 'appeared', example: 'xxx', place: 'page 1, row 1' }])
  })

  it('a field of another type, with the first row that shows it', () => {
    const after = [before[0], { ...before[1], active: 'no' }]
    expect(changes(before, after)).toEqual([{ stream: 'users', field: 'active', change: 'type', was: 'boolean', is: 'string', example: 'xx', place: 'page 1, row 2' }])
  })

  it('a field that some rows lack may stay away, null is no type, and no rows say nothing', () => {
    expect(changes(before, [before[0]])).toEqual([])
    expect(changes(before, before.map((row) => ({ ...row, name: null })))).toEqual([])
    expect(changes(before, [])).toEqual([])
    expect(learned([]).shape).toBeNull()
  })

  it('a map with data for keys does not grow without end', () => {
    expect(Object.keys(learned(Array.from({ length: 1_000 }, (_, n) => ({ [`key-${n}`]: n }))).shape ?? {})).toHaveLength(200)
  })
})
