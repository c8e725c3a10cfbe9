import type { ActionState } from '../../schemas/wire/actions.ts'
import { equal } from '../../src/core/equal.ts'
import type { Context, State } from '../../src/ports/processor.ts'
import { ordered } from '../shared/rows.ts'
import { Timers } from '../shared/timers.ts'
import { changeOf, isRemoval, keyOf, noApp, priorityOf, type ActionRow, type AppRow } from './model.ts'

/**
 * The rows of actions and what follows from them: `ready` is the queue of approved ones, by priority and then by when they may go;
 * `held` what the brake holds; `due` when failed and applied ones are looked at again; `apps` the counts.
 */
export class Book {
  readonly #context: Context
  readonly #state: State
  readonly #timers: Timers

  constructor(context: Context) {
    this.#context = context
    this.#state = context.state
    this.#timers = new Timers(context.state, 'due')
  }

  action(app: string, id: string): ActionRow | undefined {
    return this.#state.get<ActionRow>('actions', keyOf({ app, id }))
  }

  /** The action of a row key. */
  at(key: string): ActionRow | undefined {
    return this.#state.get<ActionRow>('actions', key)
  }

  app(name: string): AppRow {
    return this.#state.get<AppRow>('apps', name) ?? noApp
  }

  putApp(name: string, row: AppRow): void {
    this.#state.put('apps', name, row)
  }

  apps(): Iterable<readonly [string, AppRow]> {
    return this.#state.range<AppRow>('apps')
  }

  /**
   * Stores the action and tells the change, where there is one that others may see: at no time before that of what it follows from
   * (`cause`, ms), whose partition's clock may be ahead of this one's, nor before what was told of it last.
   */
  save(before: ActionRow | undefined, after: ActionRow, cause = 0): void {
    const { now, position } = this.#context
    const key = keyOf(after)
    const last = before?.told ?? 0
    const isNews = before === undefined || !equal(changeOf(after, now, position), changeOf(before, now, position))
    const told = isNews ? Math.max(now, cause, last) : last
    this.#state.put('actions', key, { ...after, told })
    this.#count(before, after)
    this.#queue(before, after, key)
    if (isNews) this.#context.emit('action-log', after.app, changeOf(after, told, position))
  }

  /** The keys of approved actions of one priority that may go now, first those that have waited longest. */
  *ready(app: string): Iterable<string> {
    for (const priority of ['0', '1', '2'] as const) {
      const prefix = `${app}/${priority}/`
      for (const [row] of this.#state.range('ready', { prefix })) {
        if (Number(row.slice(prefix.length, prefix.length + digits)) > this.#context.now) break
        yield `${app}/${row.slice(prefix.length + digits + 1)}`
      }
    }
  }

  /** The keys of all approved actions, whenever they may go, after a row of the queue. */
  *approved(app: string, after: string | null): Iterable<readonly [row: string, key: string]> {
    const prefix = `${app}/`
    for (const [row] of this.#state.range('ready', after === null ? { prefix } : { prefix, after })) {
      yield [row, `${prefix}${row.slice(prefix.length + 2 + digits + 1)}`]
    }
  }

  *held(app: string): Iterable<string> {
    for (const [key] of this.#state.range('held', { prefix: `${app}/` })) yield key
  }

  *all(app: string, after: string | null): Iterable<readonly [string, ActionRow]> {
    const prefix = `${app}/`
    yield* this.#state.range<ActionRow>('actions', after === null ? { prefix } : { prefix, after })
  }

  /** The key of the first action that has to be looked at again by now, or null. */
  due(): string | null {
    return this.#timers.due(this.#context.now)?.id ?? null
  }

  #queue(before: ActionRow | undefined, after: ActionRow, key: string): void {
    const old = before?.state === 'approved' ? readyKey(before) : null
    const next = after.state === 'approved' ? readyKey(after) : null
    if (old !== next) {
      if (old !== null) this.#state.delete('ready', old)
      if (next !== null) this.#state.put('ready', next, 1)
    }
    if (before?.state === 'held' && after.state !== 'held') this.#state.delete('held', key)
    if (before?.state !== 'held' && after.state === 'held') this.#state.put('held', key, 1)
    this.#timers.set(key, timerOf(before), timerOf(after))
  }

  #count(before: ActionRow | undefined, after: ActionRow): void {
    const was = before === undefined ? noCounts : countsOf(before)
    const is = countsOf(after)
    if (equal(was, is)) return
    const row = this.app(after.app)
    this.putApp(after.app, {
      ...row,
      ready: row.ready + is.ready - was.ready,
      planned: row.planned + is.planned - was.planned,
      held: row.held + is.held - was.held,
      inFlight: row.inFlight + is.inFlight - was.inFlight,
    })
  }
}

const digits = 16
const readyKey = (row: ActionRow): string => `${row.app}/${priorityOf(row)}/${ordered(row.due ?? 0)}/${row.id}`

const waiting: ReadonlySet<ActionState> = new Set(['failed', 'applied'])
const timerOf = (row: ActionRow | undefined): number | null => (row !== undefined && waiting.has(row.state) ? row.due : null)

const noCounts = { ready: 0, planned: 0, held: 0, inFlight: 0 }

function countsOf(row: ActionRow): typeof noCounts {
  const isReady = row.state === 'approved'
  return {
    ready: isReady ? 1 : 0,
    planned: isReady && !row.released && isRemoval(row) ? 1 : 0,
    held: row.state === 'held' ? 1 : 0,
    inFlight: row.state === 'dispatched' ? 1 : 0,
  }
}
