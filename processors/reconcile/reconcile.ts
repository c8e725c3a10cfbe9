import type { Setting } from '../../schemas/wire/common.ts'
import type { FactRecord } from '../../schemas/wire/facts.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import type { Context, Processor, ProcessorType, State } from '../../src/ports/processor.ts'
import { Jobs } from '../shared/jobs.ts'
import { carryOn, type Pace } from '../shared/later.ts'
import { Settings, type ParsedSettings } from '../shared/settings.ts'
import { readSetting, refuseFact, type Refusal } from './border.ts'
import { Homes } from './homes.ts'
import { isHomeFact, replacesDesired, take, type HomeFact, type Loaded } from './intake.ts'
import { judgeHome } from './judge.ts'
import { defaultPace, Later, type News } from './later.ts'
import type { Rules } from './model.ts'
import { Readiness } from './readiness.ts'
import { rulesAt } from './rules.ts'

const name = 'reconcile'

/** What a record carries on of the work that lags behind, in rows that are left of it. */
interface CarryOn {
  readonly rows: number
}

/** Compares what should be with what is, home by home, and tells every difference once. */
export const reconcile = reconcileAt(defaultPace)

export function reconcileAt(pace: Pace): ProcessorType<'facts'> {
  return {
    name,
    input: 'facts',
    outputs: ['findings', 'access', 'lag', 'actions', 'dead-letters'],
    version: 9,
    stateFormat: 1,
    create: () => new Reconcile(pace),
  }
}

class Reconcile implements Processor<'facts'> {
  readonly #parsed: ParsedSettings = new Map()
  /** as they are while only facts arrive; of one transaction */
  #current: { readonly state: State; readonly rules: Rules } | null = null
  readonly #pace: Pace

  constructor(pace: Pace) {
    this.#pace = pace
  }

  process(context: Context, record: FactRecord): void {
    const isFact = isHomeFact(record)
    if (!isFact) this.#current = null
    this.#take(context, record)
    if (this.lags(context)) carried(context).push({ rows: isFact ? this.#pace.perSubject : this.#pace.perMark })
  }

  slice(context: Context, budget: number): boolean {
    const later = new Later(context.state)
    const homes = new Homes(context.state)
    const judge = (home: string): number => {
      const loaded = homes.load(home)
      this.#judge(context, homes, loaded)
      return 1 + loaded.accounts.length
    }
    return carried(context).run(budget, (job, left) => {
      const { rows, spent } = carryOn(later, job.rows, left, (part) => later.carryOn(homes, context.now, new Readiness(context.state), part, judge))
      return { job: rows === null ? null : { rows }, spent }
    })
  }

  lags({ state }: Context): boolean {
    return !new Later(state).isEmpty
  }

  #take(context: Context, record: FactRecord): void {
    switch (record.type) {
      case 'AccountFact':
      case 'AccountGone':
      case 'Reference':
      case 'Desired':
      case 'Held':
        this.#fact(context, record)
        return
      case 'Baseline':
        judgeLater(context, new Readiness(context.state).mark(record, this.#settings(context).sources()))
        return
      case 'Ruling':
        if (record.kind === 'retire') judgeLater(context, new Readiness(context.state).retire(record.source))
        return
      case 'Setting':
        this.#setting(context, record)
        return
      case 'Tick':
        if (new Homes(context.state).isDue(context.now)) new Later(context.state).addDue()
        return
      case 'Epoch':
        // Another version may judge the same facts otherwise.
        if (record.processor === name) judgeLater(context, 'all')
        return
      case 'Part':
        throw new Error('a Part reached reconcile: the runtime puts records together before a processor sees them')
    }
  }

  #fact(context: Context, record: HomeFact): void {
    const refusal = refuseFact(record)
    if (refusal !== null) {
      refuse(context, refusal)
      return
    }
    const homes = new Homes(context.state)
    const replaced = replacesDesired(record) ? 'desired' : null
    let before = homes.load(record.home, replaced)
    if (new Later(context.state).isBehind(before, context.now, new Readiness(context.state))) {
      this.#judge(context, homes, homes.load(record.home))
      before = homes.load(record.home, replaced)
    }
    judgeHome(context, homes, this.#rules(context), before, take(before, record, context.position, context.now))
  }

  /** With nothing new of its own. */
  #judge(context: Context, homes: Homes, home: Loaded): void {
    judgeHome(context, homes, this.#rules(context), home, { ...home, gone: null, evidence: null })
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
    if (record.name === 'policy') judgeLater(context, 'all')
    else if (record.name !== 'sources') {
      const app = record.name.slice('app/'.length)
      if (settings.app(app)?.state === 'retired') readiness.retire(app)
      judgeLater(context, `app/${app}`)
    } else if (sources !== undefined) judgeLater(context, readiness.recount(sources))
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

/** In a queue of their own: there is one at most. */
const carried = ({ state }: Context): Jobs<CarryOn> => new Jobs(state, 'carry-on', 'carry-on')

function judgeLater({ state }: Context, news: News | null): void {
  if (news !== null) new Later(state).add(news)
}

function refuse(context: Context, { code, source, reason }: Refusal): void {
  const { position, now } = context
  const place = `${position.topic}/${position.partition} offset ${position.offset} record ${position.index}`
  context.emit('dead-letters', source, {
    type: 'DeadLetter',
    id: digest(canonical([name, position])),
    source,
    run: null,
    stage: name,
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
