import * as effect from '../hostile/effects.ts'
import { type Effect, Fault } from '../hostile/fault.ts'
import { type Order, make, orders } from './write-order.ts'
import { aroundWrites, toReadBack, toWrites, type WriteScenario, type WriteTrait } from './write-scenario.ts'

const first = { times: 1 }
const thrice = { times: 3 }
const second = { from: 1, times: 1 }
const secondOn = { from: 1 }
const always = {}
/** what needs no read of what the same command made */
const looked = orders.map(({ name }) => name).filter((name) => name !== 'a joiner')
/** more than one request that writes, whatever the connector */
const several = { orders: ['a leaver', 'a joiner'] }
/** a connector that looks before it asks again sees that it was carried out */
const unknown = ['failed', 'partial', 'applied'] as const
const lost = effect.onTheWire('reset')
const carriedOut = (status: number): Effect => ({ honest }) => {
  honest()
  return { status, headers: {}, json: { error: 'something went wrong behind us' } }
}

const lostThenRefused: Effect = (exchange) => (exchange.asked.nth === 0 ? lost(exchange) : effect.refuse(403)(exchange))

/** Reads show what was, so many times after the first write. */
const behind = (name: string, expected: WriteScenario['expected'], reads: number, chosen: readonly string[]): WriteScenario => ({
  name, expected, needs: [], orders: chosen,
  faults: ({ world }) => {
    let left = reads
    const write = new Fault(name, { list: 'writes', times: 1 }, effect.meanwhile(() => world.fallBehind(), true))
    const read = new Fault(`${name}: a read`, {}, (exchange) => {
      if (world.shown === world || exchange.asked.method !== 'GET') return null
      if (left-- <= 0) world.catchUp()
      return exchange.honest()
    })
    return [write, read]
  },
})

/** How writes get lost, repeated, refused or overtaken, whatever the application. */
export const writeScenarios: readonly WriteScenario[] = [
  toWrites('carried out, no answer', ['applied'], first, lost),
  toWrites('carried out, the answer cut in the middle', ['applied'], first, effect.onTheWire('cut')),
  toWrites('carried out, no answer and no end', ['applied'], first, effect.onTheWire('hang'), { orders: ['grant', 'disable'], callMs: 1_200 }),
  toWrites('carried out, and never an answer', unknown, always, lost),
  toWrites('carried out, the answer byte by byte', ['applied'], first, effect.onTheWire('drip')),
  ...[500, 502, 503, 504].map((status) => toWrites(`carried out, and answered ${status}`, ['applied'], first, carriedOut(status))),
  toWrites('carried out, and answered 500 for good', unknown, always, carriedOut(500)),
  toWrites('carried out, and answered with a page of a proxy', ['applied'], first, (exchange) => (exchange.honest(), effect.htmlPage(502)(exchange))),
  toWrites('not carried out, no answer', ['applied'], first, effect.noAnswer('reset')),
  toWrites('not carried out, no answer and no end', ['applied'], first, effect.noAnswer('hang'), { orders: ['revoke', 'enable'], callMs: 1_200 }),
  toWrites('not carried out, and never an answer', ['failed'], always, effect.noAnswer('reset')),
  ...[500, 503].map((status) => toWrites(`not carried out, and answered ${status} once`, ['applied'], first, effect.refuse(status))),
  toWrites('not carried out, and answered 500 for good', ['failed'], always, effect.refuse(500)),
  ...[400, 403, 405, 422, 423].map((status) => toWrites(`refused with ${status}`, ['refused'], always, effect.refuse(status))),
  // What these two mean is for the connector to say: that it was so before, or that it can't be.
  ...[404, 409].map((status) => toWrites(`answered ${status} without a reason`, ['refused', 'lost-update'], always, effect.refuse(status))),
  toWrites('401 for good', ['failed'], always, effect.refuse(401)),
  toWrites('the token ends in between', ['applied'], first, effect.refuse(401), { needs: ['renewable'] }),
  toWrites('a redirect to another host', ['failed'], always, effect.refuse(307, { location: 'http://127.0.0.2:1/elsewhere' })),
  toWrites('carried out, no answer, and refused when asked again', unknown, always, lostThenRefused),
  toWrites('throttled once, Retry-After in seconds', ['applied'], first, effect.refuse(429, { 'retry-after': '3' })),
  toWrites('throttled once, no header', ['applied'], first, effect.refuse(429)),
  toWrites('throttled three times, no header', ['applied'], thrice, effect.refuse(429)),
  toWrites('throttled for good', ['failed'], always, effect.refuse(429), { orders: ['grant'] }),
  toWrites('throttled by 503 with Retry-After', ['applied'], first, effect.refuse(503, { 'retry-after': '2' })),
  toWrites('every second request that writes is throttled', ['applied'], always, (exchange) => (exchange.asked.nth % 2 === 0 ? effect.refuse(429)(exchange) : null)),
  toWrites('dropped, and answered as carried out', ['lost-update', 'failed', 'refused'], always, ({ asked }) => ({ status: asked.method === 'POST' ? 201 : 200, headers: {}, json: {} })),
  toWrites('an error inside 200', ['refused'], always, effect.refuse(200, {}, { error: { code: 'locked' } }), { needs: ['errors-inside'] }),
  toWrites('a sign-in page with 200', ['failed'], always, effect.htmlPage(200)),
  toWrites('the second request is refused', ['partial'], secondOn, effect.refuse(403), several),
  toWrites('the second request is never answered', ['partial'], secondOn, effect.refuse(500), several),
  toWrites('the second request is carried out, no answer', ['applied'], second, lost, several),
  toWrites('the second request is throttled', ['applied'], second, effect.refuse(429), several),
  toWrites('the second request is dropped, and answered as carried out', ['lost-update'], secondOn, ({ asked }) => ({ status: asked.method === 'POST' ? 201 : 200, headers: {}, json: {} }), several),
  toWrites('nothing is wrong, and the same command comes twice at once', ['applied'], first, ({ honest }) => honest(), { again: 'twice' }),
  toWrites('nothing is wrong, and the same command comes again to a successor', ['applied'], first, ({ honest }) => honest(), { again: 'later' }),
  toWrites('the process ends between the first call and its note of it', ['applied'], first, ({ honest }) => honest(), { again: 'dies' }),
  toWrites('no answer, and the process ends', ['applied'], first, lost, { again: 'dies' }),
  behind('the next read is behind', ['applied'], 1, looked),
  behind('five reads are behind', ['applied'], 5, looked),
  behind('reads are behind for longer than they may be', ['lost-update'], Infinity, looked),
  behind('reads are behind while an account is made and granted something', ['applied', 'partial', 'failed'], 5, ['a joiner']),
  toReadBack('the read after the write fails once', ['applied'], 1, effect.refuse(500)),
  toReadBack('the read after the write fails for good', ['failed'], Infinity, effect.refuse(500), { orders: ['enable', 'disable', 'grant', 'revoke'] }),
  toReadBack('the read after the write is no account', ['applied'], 1, effect.body(() => '{"nothing": true}'), { orders: ['enable', 'disable', 'grant', 'revoke'] }),
  // Requests about `..` would be about what is above it, and a 404 of that proves nothing.
  { name: 'the account is called ..', expected: ['refused'], needs: [], orders: ['disable', 'delete an account'], account: '..', faults: () => [] },
  aroundWrites('somebody undoes it in the same moment', ['lost-update'], 'after', (world, { operations }) => make(world, operations.at(-1)!, false), { orders: ['enable', 'disable', 'grant', 'revoke', 'create an account'] }),
  aroundWrites('somebody makes or deletes the account just before', ['already', 'refused', 'applied'], 'before', (world, { operations }) => make(world, operations[0]!, true), { orders: ['create an account', 'delete an account'] }),
  // An application that adds a row each time adds one.
  aroundWrites('somebody does the same just before', ['already', 'refused', 'applied'], 'before', (world, { operations }) => make(world, operations[0]!, true), { orders: ['grant', 'revoke'], needs: ['tells'] }),
  aroundWrites('somebody changes the same account in between', ['applied', 'refused'], 'before', (world, { account }) => rename(world, account), { orders: ['enable', 'disable', 'delete an account'] }),
  aroundWrites('somebody changes another account meanwhile', ['applied'], 'after', (world) => rename(world, '50%')),
  aroundWrites('somebody adds another member in between', ['applied', 'refused'], 'before', (world) => void world.setMember('g0', '50%', true), { orders: ['grant'] }),
  aroundWrites('the account is deleted in between', ['already', 'applied', 'refused', 'lost-update', 'partial'], 'before', (world, { account }) => void world.remove(account), { orders: ['enable', 'disable', 'grant', 'revoke', 'a leaver'] }),
  aroundWrites('the account is deleted right after', ['lost-update', 'failed'], 'after', (world, { account }) => void world.remove(account), { orders: ['enable', 'grant', 'create an account', 'a joiner'] }),
]

export const writeScenariosFor = (traits: ReadonlySet<WriteTrait>): WriteScenario[] => writeScenarios.filter(({ needs }) => needs.every((need) => traits.has(need)))

/** Which of these orders the scenario makes sense for. */
export const ordersOf = (scenario: WriteScenario, from: readonly Order[]): Order[] => from.filter(({ name }) => scenario.orders?.includes(name) ?? true)

function rename(world: Parameters<typeof make>[0], id: string): void {
  const user = world.users.get(id)
  if (user !== undefined) world.put({ ...user, name: 'Renamed Meanwhile' })
}
