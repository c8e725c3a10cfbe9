import type { Setting } from '../../schemas/wire/common.ts'
import type { Baseline, FactRecord } from '../../schemas/wire/facts.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import type { Context, Processor, ProcessorType, State } from '../../src/ports/processor.ts'
import { Jobs } from '../shared/jobs.ts'
import { Settings, type ParsedSettings } from '../shared/settings.ts'
import { readSetting, refuseFact, type Refusal } from './border.ts'
import { Homes } from './homes.ts'
import { isHomeFact, take, type HomeFact } from './intake.ts'
import { judgeHome } from './judge.ts'
import type { Rules } from './model.ts'
import { Readiness, type Affected } from './readiness.ts'
import { rulesAt } from './rules.ts'
import type { Dependence } from './stored.ts'

/**
 * `sweep`: every home after `after` that depends on `app` (null: on whatever); where a mark of this `stage` is all the news, those that it
 * matters to. `timers`: every home that is due.
 */
type Job = { kind: 'timers' } | { kind: 'sweep'; app: string | null; stage: Baseline['stage'] | null; after: string | null }

/** Compares what should be with what is, home by home, and tells every difference once. */
export const reconcile: ProcessorType<'facts'> = {
  name: 'reconcile',
  input: 'facts',
  outputs: ['findings', 'access', 'lag', 'actions', 'dead-letters'],
  version: 1,
  stateFormat: 1,
  create: () => new Reconcile(),
}

class Reconcile implements Processor<'facts'> {
  readonly #parsed: ParsedSettings = new Map()
  /** as they are while only facts arrive; of one transaction */
  #current: { readonly state: State; readonly rules: Rules } | null = null

  process(context: Context, record: FactRecord): void {
    if (!isHomeFact(record)) this.#current = null
    switch (record.type) {
      case 'AccountFact':
      case 'AccountGone':
      case 'Reference':
      case 'Desired':
      case 'Held':
        this.#fact(context, record)
        return
      case 'Baseline':
        sweep(context, new Readiness(context.state).mark(record, this.#settings(context).sources()), record.stage)
        return
      case 'Ruling':
        if (record.kind === 'retire') sweep(context, new Readiness(context.state).retire(record.source))
        return
      case 'Setting':
        this.#setting(context, record)
        return
      case 'Tick':
        if (new Homes(context.state).due(context.now) !== null) new Jobs<Job>(context.state).push({ kind: 'timers' })
        return
      case 'Epoch':
        // Another version may judge the same facts otherwise.
        if (record.processor === reconcile.name) sweep(context, { app: null })
        return
      case 'Part':
        throw new Error('a Part reached reconcile: the runtime puts records together before a processor sees them')
    }
  }

  slice(context: Context, budget: number): boolean {
    const homes = new Homes(context.state)
    const judge = (home: string): number => {
      const loaded = homes.load(home)
      judgeHome(context, homes, this.#rules(context), loaded, { ...loaded, gone: null, evidence: null })
      return 1 + loaded.accounts.length
    }
    return new Jobs<Job>(context.state).run(budget, (job, rows) =>
      job.kind === 'timers' ? drain(context, homes, rows, judge) : continueSweep(context, homes, job, rows, judge),
    )
  }

  #fact(context: Context, record: HomeFact): void {
    const refusal = refuseFact(record)
    if (refusal !== null) {
      refuse(context, refusal)
      return
    }
    const homes = new Homes(context.state)
    const before = homes.load(record.home)
    judgeHome(context, homes, this.#rules(context), before, take(before, record, context.position, context.now))
  }

  #setting(context: Context, record: Setting): void {
    const read = readSetting(record)
    if (read === null) return
    if ('reason' in read) {
      refuse(context, read)
      return
    }
    const settings = this.#settings(context)
    if (!settings.apply(read)) return
    const readiness = new Readiness(context.state)
    const sources = settings.sources()
    if (record.name === 'policy') sweep(context, { app: null })
    else if (record.name !== 'sources') {
      const app = record.name.slice('app/'.length)
      if (settings.app(app)?.state === 'retired') readiness.retire(app)
      sweep(context, { app })
    } else if (sources !== undefined) sweep(context, readiness.recount(sources))
  }

  #rules({ state, now }: Context): Rules {
    if (this.#current?.state !== state || this.#current.rules.now !== now) {
      this.#current = { state, rules: rulesAt(now, new Settings(state, this.#parsed), new Readiness(state)) }
    }
    return this.#current.rules
  }

  #settings(context: Context): Settings {
    return new Settings(context.state, this.#parsed)
  }
}

type Step = { job: Job | null; spent: number }

function drain(context: Context, homes: Homes, rows: number, judge: (home: string) => number): Step {
  let spent = 0
  while (spent < rows) {
    const home = homes.due(context.now)
    if (home === null) return { job: null, spent }
    spent += judge(home)
  }
  return { job: { kind: 'timers' }, spent }
}

function continueSweep(context: Context, homes: Homes, job: Job & { kind: 'sweep' }, rows: number, judge: (home: string) => number): Step {
  const readiness = new Readiness(context.state)
  const concerns = ({ apps, awaits, isHeld }: Dependence): boolean => {
    if (job.stage === null) return job.app === null || apps.includes(job.app)
    if (job.stage === 'observed') return job.app === null || awaits.includes(job.app)
    // until its application is observed, what is desired at a home without accounts is judged by no feed: see `missingGrants` and `waitsOf`
    return isHeld || awaits.some((app) => readiness.observedAt(app) !== null)
  }
  let { after } = job
  let spent = 0
  const batch = [...homes.after(after, rows)]
  for (const { home, ...dependence } of batch) {
    if (spent >= rows) return { job: { ...job, after }, spent }
    spent += concerns(dependence) ? judge(home) : 1
    after = home
  }
  return { job: batch.length < rows ? null : { ...job, after }, spent }
}

/** `stage`: of the mark that is the news, where it is one. */
function sweep(context: Context, affected: Affected, stage: Baseline['stage'] | null = null): void {
  if (affected !== null) new Jobs<Job>(context.state).push({ kind: 'sweep', app: affected.app, stage, after: null })
}

function refuse(context: Context, { code, source, reason }: Refusal): void {
  const { position, now } = context
  const place = `${position.topic}/${position.partition} offset ${position.offset} record ${position.index}`
  context.emit('dead-letters', source, {
    type: 'DeadLetter',
    id: digest(canonical(['reconcile', position])),
    source,
    run: null,
    stage: 'reconcile',
    code,
    reason,
    place,
    record: null,
    payload: '',
    at: now,
    state: 'open',
    by: null,
    why: null,
    cause: position,
  })
}
