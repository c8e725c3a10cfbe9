import * as effect from '../hostile/effects.ts'
import type { Shape } from '../hostile/exchange.ts'
import { type Scenario, inside, wire } from './scenario.ts'

const users = { list: 'users' } as const
const idOf = ({ id }: { id: string }): string => id
const nameOf = ({ name }: { name: string }): string => name
const first = (change: (row: Record<string, unknown>, shape: Shape) => Record<string, unknown>) =>
  effect.rows((rows, shape) => rows.map((row) => (row[shape.id] === 'ann b' ? change(row, shape) : row)))

/** What stands in rows that should not. */
export const rowScenarios: readonly Scenario[] = [
  wire('the id field has another name', 'partial', [], users, effect.field(idOf, (row, key) => renamed(row, key, 'identifier'))),
  wire('a mapped field has another name', 'refused', ['names'], users, effect.field(nameOf, (row, key) => renamed(row, key, 'label'))),
  wire('a mapped field has another name in one row', 'refused', ['names'], users, first((row, { name }) => renamed(row, name, 'label'))),
  wire('ids are empty in one row', 'partial', [], users, first((row) => ({ ...row, id: '' }))),
  wire('ids are null in one row', 'partial', [], users, first((row) => ({ ...row, id: null }))),
  wire('an id is a list', 'partial', [], users, first((row) => ({ ...row, id: ['ann b'] }))),
  wire('an id holds a NUL', 'safe', [], users, first((row) => ({ ...row, id: 'ann\u0000b' }))),
  wire('an id is not well-formed text', 'safe', [], users, first((row) => ({ ...row, id: 'ann\ud800' }))),
  wire('a row is null', 'partial', [], users, effect.rows((rows) => (rows.length > 1 ? [rows[0]!, null as never, ...rows.slice(2)] : null))),
  wire('a row is text', 'partial', [], users, effect.rows((rows) => (rows.length > 1 ? [rows[0]!, 'ann b' as never, ...rows.slice(2)] : null))),
  wire('the rows are an object, not a list', 'partial', [], users, ({ honest, shape }) => {
    const answer = honest()
    return { ...answer, json: { ...(answer.json as object), [shape.rows ?? 'rows']: { first: 'ann b' } } }
  }),
  wire('every row has a field that was not there before', 'exact', [], users, effect.field(idOf, (row) => ({ ...row, surprise: { nested: [1, 2] } }))),
  wire('the same user is told in two ways', 'safe', [], users, effect.rows((rows, { id, name }) => (rows.length > 2 && id !== name ? [...rows, { ...rows[0]!, [name]: 'Another Name' }] : null))),
  inside('two ids differ in case only', 'exact', [], { ...users, times: 1 }, (world) => effect.meanwhile(() => world.insertFirst('upper'), true)),
  inside('two ids differ in how an accent is composed', 'exact', [], { ...users, times: 1 }, (world) => effect.meanwhile(() => world.insertFirst('köhler'.normalize('NFD')), true)),
  inside('two ids look alike in two alphabets', 'exact', [], { ...users, times: 1 }, (world) => effect.meanwhile(() => world.insertFirst('аnn b'), true)),
  inside('an id with white space at its end', 'exact', [], { ...users, times: 1 }, (world) => effect.meanwhile(() => world.insertFirst('ann b '), true)),
  inside('an id of 4,000 characters', 'exact', [], { ...users, times: 1 }, (world) => effect.meanwhile(() => world.insertFirst('x'.repeat(4_000)), true)),
  inside('ids like words of the language', 'exact', [], { ...users, times: 1 }, (world) =>
    effect.meanwhile(() => {
      for (const id of ['__proto__', 'constructor', 'null', 'true', 'NaN', '-0']) world.insertFirst(id)
    }, true)),
  inside('a group names a member that is no user', 'safe', [], { list: 'groups', times: 1 }, (world) => effect.meanwhile(() => world.groups.get('g0')!.members.push('ghost'), true)),
  {
    ...inside('a group lists a member twice', 'safe', [], { list: 'groups', times: 1 }, (world) => effect.meanwhile(() => world.groups.get('g0')!.members.push('o’brien'), true)),
    lasting: true,
  },
  inside('groups nest in a circle', 'exact', [], { list: 'groups', times: 1 }, (world) => effect.meanwhile(() => world.groups.get('g2')!.subgroups.push('g2', 'g0'), true)),
  inside('a group has every permission there is', 'exact', [], { list: 'groups', times: 1 }, (world) =>
    effect.meanwhile(() => world.groups.get('g0')!.permissions.push(...Array.from({ length: 3_000 }, (_, at) => `perm.many.${at}`)), true)),
]

function renamed(row: Record<string, unknown>, from: string, to: string): Record<string, unknown> {
  const { [from]: value, ...rest } = row
  return { ...rest, [to]: value }
}
