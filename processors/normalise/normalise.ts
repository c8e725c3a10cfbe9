import { accountKey } from '../../src/core/keys.ts'
import type { Context, Encoded, Processor, ProcessorType } from '../../src/ports/processor.ts'
import type { RawRecord } from '../../schemas/wire/raw.ts'
import { applyIntent } from './intent.ts'
import { forwardKeys } from './marks.ts'
import { observeAccount, observeDefinition, observeSeen } from './observe.ts'
import { recogniseAccount } from './recognise.ts'
import { rederive } from './publish.ts'
import { applyRuling, applySetting } from './rulings.ts'
import { beginRun, endDefinitions, endRun } from './run-marks.ts'
import type { Caches, Scope } from './scope.ts'
import { placeOf, scopeOf } from './scope.ts'
import { step } from './work.ts'
import { markWritten } from './written.ts'

const name = 'normalise'

/**
 * What applications show becomes facts: effective grants by catalogue name, under the home of whose account it is. See
 * ARCHITECTURE.md, "Runs" and "Whose account is it".
 */
export const normalise: ProcessorType<'raw'> = {
  name,
  input: 'raw',
  outputs: ['facts', 'commands', 'sync-runs', 'dead-letters'],
  version: 1,
  stateFormat: 1,
  create: () => new Normalise(),
}

class Normalise implements Processor<'raw'> {
  readonly #caches: Caches = { settings: new Map(), closures: new Map(), scope: null, expected: { app: '', ordinal: 0, unknown: '' } }

  process(context: Context, record: RawRecord, encoded?: Encoded): void {
    apply(scopeOf(context, this.#caches), record, encoded)
  }

  recognise(context: Context, encoded: Encoded): boolean {
    return encoded.type === 'Account' && recogniseAccount(scopeOf(context, this.#caches), encoded)
  }

  slice(context: Context, budget: number): boolean {
    const scope = scopeOf(context, this.#caches)
    return scope.jobs.run(budget, (job, rows) => step(scope, job, rows))
  }
}

function apply(scope: Scope, record: RawRecord, encoded: Encoded | undefined): void {
  const { context, jobs } = scope
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
      const topics = scope.book.apply(record)
      if (topics.length > 0) jobs.push({ kind: 'watchers', topics, after: null })
      return
    }
    case 'KeysBaseline':
      forwardKeys(scope, record)
      return
    case 'AccountIntent': {
      const key = accountKey(record.app, record.id)
      if (applyIntent(context.state, key, record, placeOf(context))) rederive(scope, key, null)
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
      if (record.processor !== name || context.state.get<number>('epoch', name) === record.version) return
      context.state.put('epoch', name, record.version)
      jobs.push({ kind: 'rederive', app: null, stamp: null, after: null })
      return
    }
    case 'Part':
      throw new Error('a Part reached normalise: the runtime puts parts together before it hands a record on')
  }
}
