import * as effect from '../hostile/effects.ts'
import { Fault } from '../hostile/fault.ts'
import { type Scenario, inside, wire } from './scenario.ts'

const users = { list: 'users' } as const
const counted = ['pages', 'total'] as const
const second = { ...users, from: 1 }
const secondOnce = { ...second, times: 1 }

/** How lists lose rows, give them twice, or move while they are read. */
export const pagingScenarios: readonly Scenario[] = [
  wire('a row is missing from one page', 'partial', ['total'], users, effect.rows((rows) => (rows.length > 2 ? rows.filter((_, at) => at !== 1) : null))),
  wire('one row is never shown', 'partial', ['total'], users, effect.rows((rows, { id }) => rows.filter((row) => row[id] !== '000123'))),
  wire('a page comes without its last row', 'partial', counted, second, effect.rows((rows) => rows.slice(0, -1))),
  wire('a page comes empty in the middle, once', 'safe', counted, secondOnce, effect.rows(() => [])),
  wire('a page comes empty in the middle, for good', 'partial', counted, second, effect.rows(() => [])),
  wire('the first page comes empty', 'partial', ['total'], users, effect.rows(() => [])),
  wire('a page is delivered again instead of the next, once', 'safe', counted, secondOnce, effect.again),
  wire('a page is delivered again for ever', 'partial', counted, second, effect.again),
  wire('rows of a page come in another order', 'safe', counted, users, effect.rows((rows) => [...rows].reverse())),
  wire('rows of a page come in another order each time', 'safe', counted, users, effect.rows((rows, _shape, nth) => (nth % 2 === 0 ? [...rows].reverse() : [...rows]))),
  wire('a row comes twice on one page', 'safe', ['total'], users, effect.rows((rows) => (rows.length > 2 ? [rows[0]!, ...rows] : null))),
  wire('a row comes twice and another one not', 'partial', ['total'], users, effect.rows((rows) => (rows.length > 3 ? [rows[0]!, rows[0]!, ...rows.slice(2)] : null))),
  wire('the source gives smaller pages than asked', 'safe', counted, users, effect.rows((rows) => rows.slice(0, 3))),
  wire('a total that is too high', 'partial', ['total'], users, effect.total((total) => total + 1)),
  wire('a total that is too low', 'partial', ['total'], users, effect.total((total) => total - 1)),
  wire('a total that moves', 'safe', counted, users, effect.total((total, nth) => total + nth)),
  wire('a total of nothing', 'partial', ['total'], users, effect.total(() => 0)),
  wire('no total any more', 'safe', ['total'], users, effect.total(() => undefined)),
  wire('a total that is no number', 'partial', ['total'], users, effect.total(() => 'many')),
  wire('a total below zero', 'partial', ['total'], users, effect.total(() => -1)),
  wire('a total with a fraction', 'partial', ['total'], users, effect.total((total) => total + 0.5)),
  wire('the chain ends in the middle, once', 'safe', ['chain', 'total'], secondOnce, effect.next(() => null)),
  wire('the chain ends in the middle, for good', 'partial', ['chain', 'total'], second, effect.next(() => null)),
  wire('the chain leads back', 'partial', ['chain'], second, effect.cursor(() => 'a/b')),
  wire('the chain leads to its beginning', 'partial', ['chain'], users, effect.cursor(() => '')),
  wire('the chain skips a page', 'partial', ['chain', 'total'], users, effect.cursor((at) => (at < 'u0000018' ? 'u0000018' : at))),
  wire('a cursor ends before its time, once', 'exact', ['chain', 'expiry'], secondOnce, effect.refuse(410, {}, { error: 'cursor expired' })),
  wire('cursors end before their time, for good', 'partial', ['chain', 'expiry'], second, effect.refuse(410, {}, { error: 'cursor expired' })),
  wire('the chain leads to another host', 'partial', ['chain'], users, effect.next(() => 'http://127.0.0.2:1/admin/users?at=5')),
  wire('the list of groups loses one', 'partial', ['total'], { list: 'groups' }, effect.rows((rows) => (rows.length > 2 ? rows.slice(1) : null))),
  wire('the list of groups comes empty', 'partial', ['total'], { list: 'groups' }, effect.rows(() => [])),
  wire('the list of groups is refused', 'partial', ['http'], { list: 'groups' }, effect.refuse(403)),
  wire('members of one group are refused', 'partial', ['own-lists'], { list: 'members', times: 1 }, effect.refuse(403)),
  wire('members of one group are not found once', 'safe', ['own-lists'], { list: 'members', times: 1 }, effect.refuse(404)),
  wire('members of no group are found', 'partial', ['own-lists'], { list: 'members' }, effect.refuse(404)),
  wire('members of one group lose one', 'partial', ['own-lists', 'own-totals'], { list: 'members' }, effect.rows((rows) => (rows.length > 2 ? rows.slice(1) : null))),
  wire('members of every group come empty', 'partial', ['own-lists', 'own-totals'], { list: 'members' }, effect.rows(() => [])),
  {
    name: 'members of every group come without regard to the page', expected: 'partial', needs: ['own-lists', 'pages'],
    faults: () => [new Fault('members of every group come without regard to the page', { list: 'members' }, effect.ignoresPages())],
  },
  inside('from the second page on, pages come in reverse order', 'safe', ['pages'], { ...users, from: 1, times: 1 }, (world) => effect.meanwhile(() => world.turnRound(), true)),
  inside('the order of all rows turns round after each page', 'safe', ['pages'], users, (world) => effect.meanwhile(() => world.turnRound())),
  inside('a user appears in front while pages are read', 'safe', ['pages'], { ...users, times: 1 }, (world) => effect.meanwhile(() => world.insertFirst('newcomer'))),
  inside('a user in front goes while pages are read', 'safe', ['pages'], { ...users, times: 1 }, (world) => effect.meanwhile(() => void world.remove('o’brien'))),
  inside('one user goes and one comes while pages are read', 'safe', ['pages'], { ...users, times: 1 }, (world) =>
    effect.meanwhile(() => {
      world.remove('o’brien')
      world.insertFirst('newcomer')
    })),
  inside('a user is replaced at the end while pages are read', 'safe', ['pages'], { ...users, from: 1, times: 1 }, (world) =>
    effect.meanwhile(() => {
      const last = [...world.users.values()].at(-1)!
      world.remove(last.id)
      world.put({ ...last, id: 'zz-late', name: 'Late' })
    })),
  inside('users appear in front before every page', 'safe', ['pages'], { ...users, times: 4 }, (world) => {
    let count = 0
    return effect.meanwhile(() => world.insertFirst(`newcomer-${count++}`))
  }),
  inside('a user leaves a group between groups and users', 'safe', [], { ...users, times: 1 }, (world) => effect.meanwhile(() => void world.setMember('g0', 'o’brien', false), true)),
  inside('every user is deleted before the read', 'exact', [], { ...users, times: 1 }, (world) =>
    effect.meanwhile(() => {
      for (const id of [...world.users.keys()]) world.remove(id)
    }, true)),
  inside('every user is deleted while pages are read', 'safe', ['pages'], { ...users, from: 1, times: 1 }, (world) =>
    effect.meanwhile(() => {
      for (const id of [...world.users.keys()]) world.remove(id)
    }, true)),
]
