import type { Answer, Asked, ListName, Shape } from './exchange.ts'

interface Exchange {
  asked: Asked
  /** the application carries the request out and answers; called again, the same answer */
  honest: () => Answer
  shape: Shape
  /** what was answered last for the same list */
  previous: Answer | null
}

/** What is done to one exchange; null: there is nothing here that it could be done to. */
export type Effect = (exchange: Exchange) => Answer | null

/** When an effect is due. */
export interface When {
  /** about what; absent: any request */
  list?: ListName
  /** from this request of that list on, counted from 0 */
  from?: number
  /** so many times; absent: for ever */
  times?: number
}

/** One fault with its schedule. */
export class Fault {
  readonly name: string
  readonly #when: When
  readonly #effect: Effect
  /** how often it was really done to an answer */
  fired = 0

  constructor(name: string, when: When, effect: Effect) {
    this.name = name
    this.#when = when
    this.#effect = effect
  }

  /** Null where it is not due, or finds nothing to act on. */
  apply(exchange: Exchange, list: ListName | null): Answer | null {
    const { list: wanted, from = 0, times = Infinity } = this.#when
    if ((wanted !== undefined && wanted !== list) || exchange.asked.nth < from || this.fired >= times) return null
    const answer = this.#effect(exchange)
    if (answer !== null) this.fired += 1
    return answer
  }
}
