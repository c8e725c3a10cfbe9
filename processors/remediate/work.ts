import type { RemedySetting } from '../../schemas/settings.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import type { Context } from '../../src/ports/processor.ts'
import type { Book } from './book.ts'
import { countSent, tellBrake, trips } from './brake.ts'
import { byPolicy, dispatched, due, held, released } from './decide.ts'
import { isRemoval, type ActionRow } from './model.ts'

/**
 * Queued work. `timers`: everything due; `dispatch`: what may go now, as much as may be on its way at once; `hold`: the brake tripped;
 * `release`: a person let go of what it holds; `policy`: a setting changed.
 */
export type Job =
  | { kind: 'timers' }
  | { kind: 'dispatch'; app: string }
  | { kind: 'hold'; app: string; after: string | null }
  | { kind: 'release'; app: string; by: string; why: string }
  | { kind: 'policy'; app: string; after: string | null }

export interface Scope {
  readonly context: Context
  readonly book: Book
  readonly setting: (app: string) => RemedySetting
}

type Step = { job: Job | null; spent: number }

export function step(scope: Scope, job: Job, rows: number): Step {
  switch (job.kind) {
    case 'timers':
      return timers(scope, job, rows)
    case 'dispatch':
      return dispatch(scope, job, rows)
    case 'hold':
      return hold(scope, job, rows)
    case 'release':
      return release(scope, job, rows)
    case 'policy':
      return policy(scope, job, rows)
  }
}

function timers({ context, book, setting }: Scope, job: Job, rows: number): Step {
  for (let spent = 0; spent < rows; spent++) {
    const key = book.due()
    const row = key === null ? undefined : book.at(key)
    if (row === undefined) return { job: null, spent }
    book.save(row, due(row, setting(row.app), context.now))
  }
  return { job, spent: rows }
}

/** One command at most for each row of budget; where the brake trips nothing that takes away goes before it has all been held. */
function dispatch(scope: Scope, job: Job & { kind: 'dispatch' }, rows: number): Step {
  const { context, book } = scope
  const { app } = job
  const setting = scope.setting(app)
  if (!setting.active) return { job: null, spent: 1 }
  if (trips(book.app(app), setting, context.now)) return { job: { kind: 'hold', app, after: null }, spent: 1 }
  const free = setting.maxInFlight - book.app(app).inFlight
  const keys = first(book.ready(app), Math.min(free, rows))
  for (const key of keys) send(scope, book.at(key)!, setting)
  return { job: keys.length < rows ? null : job, spent: Math.max(1, keys.length) }
}

function send({ context, book }: Scope, row: ActionRow, setting: RemedySetting): void {
  const { app, id: finding, version, operations } = row
  const attempt = row.attempt + 1
  const id = digest(canonical(['write', app, finding, version, attempt]))
  const { now, position } = context
  if (isRemoval(row) && !row.released) book.putApp(app, countSent(book.app(app), setting, now))
  book.save(row, dispatched(row, id))
  context.emit('commands', app, {
    type: 'Command', id, app, kind: 'write', account: operations[0]?.account ?? null, run: null, reason: row.detail,
    write: { finding, version, attempt, operations }, at: now, cause: position,
  })
}

function hold({ context, book }: Scope, job: Job & { kind: 'hold' }, rows: number): Step {
  const { app } = job
  const batch = first(book.approved(app, job.after), rows)
  for (const [, key] of batch) {
    const row = book.at(key)!
    if (isRemoval(row) && !row.released) book.save(row, held(row))
  }
  const last = batch.at(-1)
  if (last !== undefined && batch.length === rows) return { job: { ...job, after: last[0] }, spent: batch.length }
  tellBrake(context, book, app)
  return { job: { kind: 'dispatch', app }, spent: Math.max(1, batch.length) }
}

function release({ context, book }: Scope, job: Job & { kind: 'release' }, rows: number): Step {
  const keys = first(book.held(job.app), rows)
  for (const key of keys) {
    const row = book.at(key)!
    book.save(row, released(row, job.by, job.why, context.now))
  }
  if (keys.length === rows) return { job, spent: rows }
  tellBrake(context, book, job.app)
  return { job: null, spent: Math.max(1, keys.length) }
}

/** What policy approved and would not any more is proposed again; what a person decided stays. */
function policy({ context, book, setting }: Scope, job: Job & { kind: 'policy' }, rows: number): Step {
  const batch = first(book.all(job.app, job.after), rows)
  for (const [, row] of batch) book.save(row, byPolicy(row, setting(job.app), context.now))
  const last = batch.at(-1)
  if (last !== undefined && batch.length === rows) return { job: { ...job, after: last[0] }, spent: batch.length }
  tellBrake(context, book, job.app)
  return { job: null, spent: Math.max(1, batch.length) }
}

function first<T>(items: Iterable<T>, count: number): T[] {
  const found: T[] = []
  if (count <= 0) return found
  for (const item of items) {
    found.push(item)
    if (found.length >= count) break
  }
  return found
}
