import { accountKey } from '../../src/core/keys.ts'
import type { Context, Encoded, Processor, ProcessorType } from '../../src/ports/processor.ts'
import type { Pace } from '../shared/later.ts'
import type { RawRecord } from '../../schemas/wire/raw.ts'
import { applyIntent } from './intent.ts'
import { deriveLater } from './lagging.ts'
import { defaultPace } from './later.ts'
import { observeAccount, observeDefinition, observeSeen } from './observe.ts'
import { Outlook } from './outlook.ts'
import { recogniseAccount, recogniseStretch } from './recognise.ts'
import { noteNamed } from './named.ts'
import { rederive } from './publish.ts'
import { applyRuling, applySetting } from './rulings.ts'
import { beginRun, endDefinitions, endRun } from './run-marks.ts'
import type { Caches, Scope } from './scope.ts'
import { placeOf, scopeOf } from './scope.ts'
import { isWatched } from './watch.ts'
import { step } from './work.ts'
import { markWritten } from './written.ts'

const name = 'normalise'

/**
 * What applications show becomes facts: effective grants by catalogue name, under the home of whose account it is. See
 * ARCHITECTURE.md, "Runs" and "Whose account is it".
 */
export const normalise = normaliseAt(defaultPace)

export function normaliseAt(pace: Pace): ProcessorType<'raw'> {
  return {
    name,
    input: 'raw',
    outputs: ['facts', 'commands', 'sync-runs', 'dead-letters'],
    version: 11,
    stateFormat: 1,
    create: () => new Normalise(pace),
  }
}

class Normalise implements Processor<'raw'> {
  readonly #caches: Caches = { settings: new Map(), closures: new Map(), scope: null, lookedFor: { unknown: '' }, outlook: new Outlook() }
  readonly #pace: Pace

  constructor(pace: Pace) {
    this.#pace = pace
  }

  process(context: Context, record: RawRecord, encoded?: Encoded): void {
    const scope = scopeOf(context, this.#caches)
    const { jobs, later } = scope
    apply(scope, record, encoded)
    const isSubject = subjects.has(record.type)
    // work that a record about one account queues leaves nothing for later
    if (!later.isEmpty || (!isSubject && !jobs.isEmpty)) jobs.push({ kind: 'carry-on', rows: isSubject ? this.#pace.perSubject : this.#pace.perMark })
  }

  lags(context: Context): boolean {
    return !scopeOf(context, this.#caches).later.isEmpty
  }

  recognise(context: Context, encoded: Encoded): boolean {
    return encoded.type === 'Account' && recogniseAccount(scopeOf(context, this.#caches), encoded)
  }

  foresee(context: Context, type: string, bytes: Uint8Array, at: number): number {
    return this.#caches.outlook.foresee(scopeOf(context, this.#caches), type, bytes, at)
  }

  recogniseAll(context: Context, at: number): number {
    const stretch = this.#caches.outlook.stretchAt(at)
    return stretch !== null && recogniseStretch(scopeOf(context, this.#caches), stretch) ? stretch.count : 0
  }

  slice(context: Context, budget: number): boolean {
    const scope = scopeOf(context, this.#caches)
    return scope.jobs.run(budget, (job, rows) => step(scope, job, rows))
  }
}

/** The first that keeps where entries of the key book came from. */
const versionWithPlaces = 11

const subjects: ReadonlySet<RawRecord['type']> = new Set(['Account', 'Definition', 'Seen', 'Written', 'KeyBook', 'AccountIntent'])

function apply(scope: Scope, record: RawRecord, encoded: Encoded | undefined): void {
  const { context, jobs, later, settings } = scope
  switch (record.type) {
    case 'RunBegin':
      beginRun(scope, record)
      return
    case 'Definition':
      observeDefinition(scope, record)
      return
    case 'DefinitionsEnd':
      endDefinitions(scope, record)
      return
    case 'Account':
      observeAccount(scope, record, encoded)
      return
    case 'Seen':
      observeSeen(scope, record)
      return
    case 'Written':
      // marked first: what was read to confirm it is the one observation in its window that counts
      markWritten(scope, record)
      if (record.seen !== null) observeAccount(scope, record.seen, undefined, true)
      return
    case 'RunEnd':
      endRun(scope, record)
      return
    case 'KeyBook': {
      const topics = scope.book.apply(record, placeOf(context))
      if (topics.some((topic) => isWatched(context.state, topic))) jobs.push({ kind: 'watchers', topics, after: null })
      return
    }
    case 'KeysBaseline':
      later.push({ kind: 'keys', mark: { feed: record.feed, class: record.class, writer: record.writer } })
      return
    case 'AccountIntent': {
      const key = accountKey(record.app, record.id)
      if (!applyIntent(context.state, key, record, placeOf(context))) return
      noteNamed(scope, key)
      rederive(scope, key)
      return
    }
    case 'Setting':
      applySetting(scope, record)
      return
    case 'Ruling':
      applyRuling(scope, record)
      return
    case 'Tick': {
      if (scope.claimTimers.due(context.now) !== null) jobs.push({ kind: 'claim-timers' })
      return
    }
    case 'Epoch': {
      if (record.processor !== name) return
      const before = context.state.get<number>('epoch', name)
      if (before === record.version) return
      context.state.put('epoch', name, record.version)
      if (before !== undefined && before < versionWithPlaces) scope.book.forgetPlaces(placeOf(context))
      for (const app of settings.apps()) deriveLater(scope, app, null)
      jobs.push({ kind: 'note-named', after: null })
      return
    }
    case 'Part':
      throw new Error('a Part reached normalise: the runtime puts parts together before it hands a record on')
  }
}
