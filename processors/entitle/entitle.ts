import type { RecordOf } from '../../schemas/wire/topics.ts'
import type { Context, Processor, ProcessorType } from '../../src/ports/processor.ts'
import type { Pace } from '../shared/later.ts'
import { receive, receiveSeen } from './intake.ts'
import { stepJob } from './jobs.ts'
import { defaultPace } from './later.ts'
import { settleLater } from './postponed.ts'
import { applyRuling, beginRun, endDefinitions, endRun } from './run-marks.ts'
import type { Scope } from './scope.ts'
import { emptyCaches, scopeOf } from './scope.ts'

const name = 'entitle'

/** Compiles what governance intends into the key book, the desired access of identities, and the intent about accounts. */
export const entitle = entitleAt(defaultPace)

export function entitleAt(pace: Pace): ProcessorType<'intent'> {
  return {
    name,
    input: 'intent',
    outputs: ['facts', 'raw', 'sync-runs', 'dead-letters'],
    version: 6,
    stateFormat: 1,
    create: () => new Entitle(pace),
  }
}

class Entitle implements Processor<'intent'> {
  readonly #caches = emptyCaches()
  readonly #pace: Pace

  constructor(pace: Pace) {
    this.#pace = pace
  }

  process(context: Context, record: RecordOf<'intent'>): void {
    const scope = scopeOf(context, this.#caches)
    switch (record.type) {
      case 'Identity':
      case 'BusinessRole':
      case 'RoleAssignment':
      case 'AccessRequest':
      case 'Decision':
      case 'AccountLink':
        receive(scope, record)
        break
      case 'IntentSeen':
        receiveSeen(scope, record)
        break
      case 'RunBegin':
        beginRun(scope, record)
        break
      case 'DefinitionsEnd':
        endDefinitions(scope, record)
        break
      case 'RunEnd':
        endRun(scope, record)
        break
      case 'Ruling':
        applyRuling(scope, record)
        break
      case 'Setting':
        scope.settings.apply(record)
        break
      case 'Tick':
        settleLater(scope)
        if (scope.timers.due(context.now) !== null) scope.jobs.push({ kind: 'due' })
        break
      case 'Epoch':
        if (record.processor === name) deriveAllAnew(scope)
        break
      case 'Part':
        throw new Error(`part ${record.part} of ${record.of} of record ${record.id} reached a processor: the runtime puts parts together first`)
    }
    if (!scope.jobs.isEmpty || !scope.later.isEmpty) scope.jobs.push({ kind: 'carry-on', rows: this.#rowsFor(record) })
  }

  lags(context: Context): boolean {
    return !scopeOf(context, this.#caches).later.isEmpty
  }

  slice(context: Context, budget: number): boolean {
    const scope = scopeOf(context, this.#caches)
    return scope.jobs.run(budget, (job, left) => stepJob(scope, job, left))
  }

  #rowsFor({ type }: RecordOf<'intent'>): number {
    return subjects.has(type) ? this.#pace.perSubject : this.#pace.perMark
  }
}

const subjects: ReadonlySet<RecordOf<'intent'>['type']> = new Set(['Identity', 'RoleAssignment', 'AccessRequest', 'Decision', 'AccountLink', 'IntentSeen'])

/** Another version may judge differently what it finds. */
function deriveAllAnew({ jobs }: Scope): void {
  jobs.push({ kind: 'anew', table: 'people', after: null })
  jobs.push({ kind: 'anew', table: 'accounts', after: null })
  // of what an older version had nothing to tell there is no row
  jobs.push({ kind: 'anew', table: 'about', after: null })
}
