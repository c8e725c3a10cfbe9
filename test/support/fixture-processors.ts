import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import type { Context, Processor, ProcessorType } from '../../src/ports/processor.ts'

/**
 * A small processor with everything that the runtime has to carry: counts in the state, a cache beside it, fan-outs in slices,
 * timers, broadcasts, outputs to chunked and unchunked topics, and records of any size.
 *
 * Seen: counts the account and publishes the count; `run` > 0 sets a timer that many ms ahead, which becomes a Command.
 * RunBegin: sweeps all accounts in slices, a LagSample each, then broadcasts a Baseline.
 * Definition: publishes its name, of whatever size, and keeps it.
 */
export const tally: ProcessorType<'raw'> = {
  name: 'tally',
  input: 'raw',
  outputs: ['facts', 'lag', 'commands'],
  version: 1,
  stateFormat: 1,
  create: () => new Tally(),
}

class Tally implements Processor<'raw'> {
  /** last counts: dropped with the instance, and no output may differ for it */
  readonly #cache = new Map<string, number>()

  process(context: Context, record: RecordOf<'raw'>): void {
    if (record.type === 'Seen') this.#count(context, record)
    if (record.type === 'RunBegin') context.state.put('work', 'sweep', { run: record.run, after: null })
    if (record.type === 'Definition') {
      context.state.put('names', record.ref.id, { name: record.name, bytes: Uint8Array.of(1, 2, 3) })
      context.emit('facts', `account/${record.app}/${record.ref.id}`, gone(context, record.app, record.ref.id, record.observed, record.name))
    }
  }

  slice(context: Context, budget: number): boolean {
    const left = this.#sweep(context, budget)
    return left <= 0 || this.#ring(context, left)
  }

  #count(context: Context, { app, id, run }: RecordOf<'raw'> & { type: 'Seen' }): void {
    const key = `${app}/${id}`
    const count = (this.#cache.get(key) ?? context.state.get<number>('counts', key) ?? 0) + 1
    this.#cache.set(key, count)
    context.state.put('counts', key, count)
    context.emit('facts', `account/${key}`, gone(context, app, id, count, null))
    if (run > 0) {
      const due = context.now + run
      context.state.put('timers', `${String(due).padStart(16, '0')}/${key}`, { due, app, id })
    }
  }

  #sweep(context: Context, budget: number): number {
    const work = context.state.get<{ run: number; after: string | null }>('work', 'sweep')
    if (work === undefined) return budget
    let left = budget
    let after = work.after
    for (const [key, count] of context.state.range<number>('counts', after === null ? {} : { after })) {
      if (left-- <= 0) {
        context.state.put('work', 'sweep', { run: work.run, after })
        return 0
      }
      after = key
      context.emit('lag', key, lag(context, key, count, work.run))
    }
    context.state.delete('work', 'sweep')
    const { partition: writer, position: cause } = context
    context.broadcast('facts', { type: 'Baseline', stage: 'observed', source: 'sweep', class: 'accounts', writer, via: null, at: context.now, cause })
    return left
  }

  #ring(context: Context, budget: number): boolean {
    let left = budget
    for (const [key, { due, app, id }] of context.state.range<{ due: number; app: string; id: string }>('timers')) {
      if (due > context.now) return false
      if (left-- <= 0) return true
      context.state.delete('timers', key)
      const cause = context.position
      context.emit('commands', app, { type: 'Command', id: key, app, kind: 'reread', account: id, run: null, reason: 'due', write: null, at: due, cause })
    }
    return false
  }
}

function gone(context: Context, app: string, account: string, observed: number, to: string | null): RecordOf<'facts'> {
  const cause: Position = context.position
  return { type: 'AccountGone', home: `account/${app}/${account}`, app, account, reason: 'deleted', to, observed, sources: [], cause }
}

function lag(context: Context, home: string, desired: number, run: number): RecordOf<'lag'> {
  const { now: decided, position: cause } = context
  return { type: 'LagSample', home, app: 'app', entitlement: String(run), direction: 'grant', desired, observed: 0, lagMs: 0, decided, cause }
}

/** Reads what tally writes, so that two stages can be run one after the other. */
export const echo: ProcessorType<'facts'> = {
  name: 'echo',
  input: 'facts',
  outputs: ['access'],
  version: 1,
  stateFormat: 1,
  create: () => ({
    process(context, record) {
      if (record.type !== 'AccountGone') return
      const { home, app, account, observed } = record
      context.emit('access', home, {
        type: 'AccessChange', home, identity: null, app, account, kind: 'human', status: 'active', gone: true, set: [],
        removed: record.to === null ? [] : [record.to], valid: null, observed, decided: context.now, cause: context.position,
      })
    },
    slice: () => false,
  }),
}

/** Says when it was told of an account. */
export const stamp: ProcessorType<'raw'> = {
  ...tally,
  name: 'stamp',
  create: () => ({
    process(context, record) {
      if (record.type === 'Seen') context.emit('facts', `account/${record.app}/${record.id}`, gone(context, record.app, record.id, context.now, null))
    },
    slice: () => false,
  }),
}

/** Passes on what stamp says as soon as its own time has come to that. */
export const patient: ProcessorType<'facts'> = {
  ...echo,
  name: 'patient',
  create: () => {
    const pass = echo.create()
    return {
      process(context, record) {
        if (record.type === 'AccountGone') context.state.put('waiting', record.home, record)
        for (const [home, waiting] of context.state.range<RecordOf<'facts'> & { type: 'AccountGone' }>('waiting')) {
          if (waiting.observed > context.now) continue
          context.state.delete('waiting', home)
          pass.process(context, waiting)
        }
      },
      slice: () => false,
    }
  },
}

/** Throws for the account `boom`. */
export const fragile: ProcessorType<'raw'> = {
  ...tally,
  name: 'fragile',
  create: () => {
    const inner = tally.create()
    return {
      process(context, record) {
        if (record.type === 'Seen' && record.id === 'boom') throw new RangeError('no account is called boom')
        inner.process(context, record)
      },
      slice: (context, budget) => inner.slice(context, budget),
    }
  },
}

export const seen = (id: string, run = 0, app = 'app'): RecordOf<'raw'> => ({ type: 'Seen', app, id, run })
export const runBegin = (run: number): RecordOf<'raw'> => ({
  type: 'RunBegin', source: 'app', run, observed: run, mode: 'snapshot', classes: ['accounts'],
})
export const definition = (id: string, name: string): RecordOf<'raw'> => ({
  type: 'Definition', app: 'app', run: null, observed: 1, valid: null, ref: { kind: 'role', id }, name, whole: true, removed: false, children: [],
})
