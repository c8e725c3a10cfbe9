import * as effect from '../hostile/effects.ts'
import { type Effect, Fault, type When } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'
import type { Expected } from './scenario.ts'

/**
 * What a scenario of single reads and of changes needs. `groups-apart`: who is in a group is asked of the groups, also for one account.
 * `world`: the application's data can be changed. `id`: one answer is the account, its id in a field of this name. `cursor`: an answer about
 * changes says where the next question begins, in `last`. `change-pages`: changes come in
 * several answers, those that were told last among them.
 */
export type ObserveTrait = 'groups-apart' | 'world' | 'id' | 'cursor' | 'change-pages'

export interface ObserveScenario {
  readonly name: string
  readonly expected: Expected
  readonly needs: readonly ObserveTrait[]
  faults(world: World, account: string): Fault[]
}

const fault = (list: When['list']) => (name: string, expected: Expected, when: Omit<When, 'list'>, what: Effect, needs: readonly ObserveTrait[] = []): ObserveScenario => ({
  name, expected, needs, faults: () => [new Fault(name, { ...when, ...(list !== undefined && { list }) }, what)],
})
const [one, groups, changes] = [fault('one'), fault('groups'), fault('changes')]
const once = { times: 1 }

/** However it is asked: lost, late or damaged on the way. */
const onTheWay = (on: typeof one): ObserveScenario[] => [
  on('throttled once, Retry-After in seconds', 'exact', once, effect.refuse(429, { 'retry-after': '2' })),
  on('throttled three times, no header', 'exact', { times: 3 }, effect.refuse(429)),
  ...[500, 502, 503, 504].map((status) => on(`${status} once`, 'exact', once, effect.refuse(status))),
  on('500 for good', 'partial', {}, effect.refuse(500)),
  on('403', 'partial', {}, effect.refuse(403)),
  on('401 for good', 'partial', {}, effect.refuse(401)),
  on('the connection is reset once', 'exact', once, effect.noAnswer('reset')),
  on('the connection is reset in the middle of the answer once', 'exact', once, effect.onTheWire('cut')),
  on('the connection is reset for good', 'partial', {}, effect.noAnswer('reset')),
  on('the answer comes byte by byte', 'exact', once, effect.onTheWire('drip')),
  on('JSON that ends in the middle, with the right length', 'partial', {}, effect.body((text) => text.slice(0, Math.floor(text.length / 2)))),
  on('an empty body with 200', 'partial', {}, effect.body(() => '')),
  on('null with 200', 'partial', {}, effect.body(() => 'null')),
  on('a sign-in page with 200', 'partial', {}, effect.htmlPage(200)),
  on('an error inside 200', 'partial', {}, effect.refuse(200, {}, { error: 'the index is being rebuilt' })),
  on('a redirect to another host', 'partial', {}, effect.refuse(302, { location: 'http://127.0.0.2:1/elsewhere' })),
]

const row = (change: (row: Record<string, unknown>) => Record<string, unknown>): Effect => ({ honest }) => {
  const answer = honest()
  return answer.status === 200 ? { ...answer, json: change(answer.json as Record<string, unknown>) } : null
}

/** How the read of a single account goes wrong. */
const singleScenarios: readonly ObserveScenario[] = [
  ...onTheWay(one),
  // One that is not found, where others are, is gone as far as any client can see; where none is found nothing is proven.
  one('not found, and no other one either', 'partial', {}, effect.refuse(404)),
  one('another account is answered', 'partial', {}, row((user) => ({ ...user, id: '000123' })), ['id']),
  one('the id is missing', 'partial', {}, row(({ id: _, ...user }) => user), ['id']),
  one('the id is empty', 'partial', {}, row((user) => ({ ...user, id: '' })), ['id']),
  one('the account is a list of one', 'partial', {}, ({ honest }) => ({ ...honest(), json: [honest().json] }), ['id']),
  groups('the groups are refused', 'partial', {}, effect.refuse(403), ['groups-apart']),
  groups('the groups fail from the second page on', 'partial', { from: 1 }, effect.refuse(500), ['groups-apart']),
  inside('it is deleted just before', 'exact', true, (world, id) => void world.remove(id)),
  inside('it is deleted right after', 'exact', false, (world, id) => void world.remove(id)),
  inside('it is renamed just before', 'exact', true, (world, id) => world.put({ ...world.users.get(id)!, name: 'Another Name' })),
  inside('another one is deleted just before', 'exact', true, (world) => void world.remove('50%')),
]

function inside(name: string, expected: Expected, before: boolean, act: (world: World, account: string) => void): ObserveScenario {
  return { name, expected, needs: ['world'], faults: (world, account) => [new Fault(name, { list: 'one', times: 1 }, effect.meanwhile(() => act(world, account), before))] }
}

const those = (scenarios: readonly ObserveScenario[], traits: ReadonlySet<ObserveTrait>): ObserveScenario[] => scenarios.filter(({ needs }) => needs.every((need) => traits.has(need)))

export const singleScenariosFor = (traits: ReadonlySet<ObserveTrait>): ObserveScenario[] => those(singleScenarios, traits)
export const changeScenariosFor = (traits: ReadonlySet<ObserveTrait>): ObserveScenario[] => those(changeScenarios, traits)

const last = (change: (last: number) => unknown): Effect => ({ honest }) => {
  const answer = honest()
  const body = answer.json as { last: number }
  return { ...answer, json: { ...body, last: change(body.last) } }
}
const without = (...users: string[]): Effect => effect.rows((rows, { change }) => rows.filter((row) => !users.some((user) => row[change?.field ?? ''] === change?.of(user))))
/** One of the changes, with somebody else in it. */
const about = (user: (of: (user: string) => string) => string | null): Effect =>
  effect.rows(([row, ...rest], { change }) => (row === undefined || change === undefined ? null : [row, ...rest, { ...row, [change.field]: user(change.of) }]))

/** How questions for what changed go wrong; the first question, which only notes where changes begin, is honest. */
const changeScenarios: readonly ObserveScenario[] = [
  ...onTheWay(changes),
  changes('one change becomes visible a poll later, behind the cursor', 'exact', once, without('a/b')),
  changes('all changes become visible a poll later, behind the cursor', 'exact', once, without('a/b', '50%', '000123')),
  changes('changes come in another order', 'exact', {}, effect.rows((rows) => [...rows].reverse())),
  changes('each change comes twice', 'exact', {}, effect.rows((rows) => rows.flatMap((change) => [change, change]))),
  changes('what was answered comes again for ever', 'safe', { from: 1 }, effect.again, ['change-pages']),
  changes('no change is there any more, not even those that were told, once', 'partial', once, effect.rows(() => []), ['change-pages']),
  changes('no change is there any more, not even those that were told, for good', 'partial', {}, effect.rows(() => []), ['change-pages']),
  changes('the cursor stands still', 'exact', {}, last(() => 0), ['cursor']),
  changes('the cursor runs back', 'exact', {}, last((at) => Math.max(0, at - 2)), ['cursor']),
  changes('there is no cursor in the answer', 'partial', {}, last(() => undefined), ['cursor']),
  changes('the cursor is no longer known, once', 'partial', once, effect.refuse(410), ['cursor']),
  changes('the cursor is no longer known, for good', 'partial', {}, effect.refuse(410), ['cursor']),
  changes('a change names nobody', 'partial', {}, about(() => null)),
  changes('a change names somebody who is not there', 'exact', {}, about((of) => of('nobody'))),
  one('the changed accounts can’t be read for a while', 'partial', { times: 60 }, effect.refuse(500)),
  { name: 'an account changes again while it is read', expected: 'exact', needs: [], faults: (world) => [new Fault('again', { list: 'one', times: 1 }, effect.meanwhile(() => world.put({ ...world.users.get('a/b')!, name: 'Changed Again' })))] },
]
