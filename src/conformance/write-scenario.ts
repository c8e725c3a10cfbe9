import type { WriteVerdict } from '../../schemas/wire/actions.ts'
import { meanwhile } from '../hostile/effects.ts'
import { type Effect, Fault, type When } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'
import type { Order } from './write-order.ts'

/**
 * What a write scenario needs of the application and its connector. `versions`: a change can be made to hold for one version only.
 * `keys`: it knows a repeated request by its idempotency key. `tells`: its answer shows whether a grant or revoke changed anything, or its
 * version keeps others out. `errors-inside`: the connector reads refusals out of answers with 200. `renewable`: it can get a new token.
 */
export type WriteTrait = 'versions' | 'tells' | 'keys' | 'errors-inside' | 'renewable'

export interface Situation {
  order: Order
  world: World
  /** Somebody else changes the application, in this moment. */
  others: (act: (world: World) => void) => void
}

export interface WriteScenario {
  readonly name: string
  /** how it may end, in words of the product */
  readonly expected: readonly WriteVerdict[]
  readonly needs: readonly WriteTrait[]
  /** orders that it makes sense for; absent: all */
  readonly orders?: readonly string[]
  /** whom the orders concern instead: one more user of the application */
  readonly account?: string
  /** the same command comes once more: in the same batch, or in a later one to whoever takes over; `dies`: its process ends after the first call */
  readonly again?: 'twice' | 'later' | 'dies'
  /** so long a call may take, ms; absent: long */
  readonly callMs?: number
  faults: (situation: Situation) => Fault[]
}

type More = Partial<Pick<WriteScenario, 'needs' | 'orders' | 'account' | 'again' | 'callMs'>>

/** Something is done to requests that write. */
export const toWrites = (name: string, expected: readonly WriteVerdict[], when: Omit<When, 'list'>, what: Effect, more: More = {}): WriteScenario => ({
  name, expected, needs: [], ...more, faults: () => [new Fault(name, { ...when, list: 'writes' }, what)],
})

/** Something happens in the application before or after it carries out a request that writes. */
export const aroundWrites = (name: string, expected: readonly WriteVerdict[], when: 'before' | 'after', act: (world: World, order: Order) => void, more: More = {}): WriteScenario => ({
  name, expected, needs: [], ...more,
  faults: ({ order, others }) => [new Fault(name, { list: 'writes', times: 1 }, meanwhile(() => others((world) => act(world, order)), when === 'before'))],
})

/** Something is done to single reads, once something was written. */
export const toReadBack = (name: string, expected: readonly WriteVerdict[], times: number, what: Effect, more: More = {}): WriteScenario => ({
  name, expected, needs: [], ...more,
  faults: ({ world }) => [new Fault(name, { list: 'one', times }, (exchange) => (world.effects.length === 0 ? null : what(exchange)))],
})
