import { compareKeys } from '../../src/core/order.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import type { Pace } from '../shared/later.ts'
import type { Homes } from './homes.ts'
import type { Loaded } from './intake.ts'
import type { Readiness } from './readiness.ts'
import type { Dependence } from './stored.ts'

/**
 * Why homes are judged anew: all of them, those that depend on an app, and where a mark is all the news, those to which it matters that
 * this app was observed, or that all feeds were.
 */
export type News = 'all' | 'feeds' | `app/${string}` | `observed/${string}`

interface Lag {
  /** homes are due */
  readonly overdue: boolean
  /** news that the next sweep is for */
  readonly waiting: readonly News[]
  /** the sweep in progress: the homes up to `after` were judged */
  readonly sweep: { readonly news: readonly News[]; readonly after: string | null } | null
}

const nothing: Lag = { overdue: false, waiting: [], sweep: null }
const table = 'later'

export const defaultPace: Pace = { perSubject: 16, perMark: 4_000 }

/**
 * Homes that have to be judged though no fact about them arrives: those that are due, and those that news concern, in one sweep after the other
 * however many news there are. Facts overtake both, and whatever home they are about is brought up to date first. One row holds all of it,
 * and there is none while nothing lags behind.
 */
export class Later {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  get isEmpty(): boolean {
    return this.#lag() === undefined
  }

  add(news: News): void {
    const lag = this.#lag() ?? nothing
    if (!lag.waiting.includes(news)) this.#put({ ...lag, waiting: [...lag.waiting, news] })
  }

  addDue(): void {
    this.#put({ ...(this.#lag() ?? nothing), overdue: true })
  }

  /** Whether the home is still to be judged for something that came before now. */
  isBehind({ home, known, row, accounts }: Loaded, now: number, readiness: Readiness): boolean {
    const lag = this.#lag()
    if (lag === undefined || !known) return false
    if (row.due !== null && row.due <= now) return true
    const { sweep, waiting } = lag
    const ahead = sweep !== null && (sweep.after === null || compareKeys(home, sweep.after) > 0) ? sweep.news : []
    const { apps, awaits, references } = row
    return concerns(new Set([...ahead, ...waiting]), { apps, awaits, isHeld: accounts.length + references.length > 0 }, readiness)
  }

  /** About `rows` rows of it, first what is due; answers how many. `judge` brings a home up to date and answers the rows that it took. */
  carryOn(homes: Homes, now: number, readiness: Readiness, rows: number, judge: (home: string) => number): number {
    let spent = 0
    const lag = this.#lag() ?? nothing
    if (lag.overdue) {
      for (const home of homes.due(now)) {
        if (spent >= rows) return spent
        spent += judge(home)
      }
      this.#put({ ...lag, overdue: false })
    }
    while (spent < rows && !this.isEmpty) spent += this.#sweep(homes, readiness, rows - spent, judge)
    return spent
  }

  #sweep(homes: Homes, readiness: Readiness, rows: number, judge: (home: string) => number): number {
    const lag = this.#lag() ?? nothing
    const { news, after: begin } = lag.sweep ?? { news: lag.waiting, after: null }
    const waiting = lag.sweep === null ? [] : lag.waiting
    const all = new Set(news)
    let after = begin
    let spent = 0
    for (const { home, ...dependence } of homes.after(after)) {
      if (spent >= rows) {
        this.#put({ ...lag, waiting, sweep: { news, after } })
        return spent
      }
      spent += concerns(all, dependence, readiness) ? judge(home) : 1
      after = home
    }
    this.#put({ ...lag, waiting, sweep: null })
    return spent
  }

  #lag(): Lag | undefined {
    return getHot<Lag>(this.#state, table, table)
  }

  #put(lag: Lag): void {
    if (lag.overdue || lag.sweep !== null || lag.waiting.length > 0) putHot(this.#state, table, table, lag)
    else this.#state.delete(table, table)
  }
}

function concerns(news: ReadonlySet<News>, { apps, awaits, isHeld }: Dependence, readiness: Readiness): boolean {
  if (news.has('all') || apps.some((app) => news.has(`app/${app}`)) || awaits.some((app) => news.has(`observed/${app}`))) return true
  // until its application is observed, what is desired at a home without accounts is judged by no feed: see `missingGrants` and `waitsOf`
  return news.has('feeds') && (isHeld || awaits.some((app) => readiness.observedAt(app) !== null))
}
