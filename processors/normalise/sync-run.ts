import type { ClassManifest } from '../../schemas/wire/common.ts'
import { worstOf } from '../../src/core/verdicts.ts'
import type { RunFinish } from './job.ts'
import { isMarked } from './marks.ts'
import type { Scope } from './scope.ts'

type Outcome = Pick<ClassManifest, 'verdict' | 'reason' | 'place'>

/** This partition's row of an ended run. Its verdict is that of its worst class. */
export function tellRun(scope: Scope, finish: RunFinish, outcome: Outcome = outcomeOf(finish.manifests)): void {
  const { context, unresolved } = scope
  const { app, run, received, rejected, changed, absent, held, manifests } = finish
  context.emit('sync-runs', app, {
    type: 'SyncRun', source: app, run, phase: 'partition', partition: context.partition, verdict: outcome.verdict,
    reason: outcome.reason, place: outcome.place, at: context.now, pages: 0, read: received, rejected, changed, absent, held,
    classes: [...manifests], schemaChanges: null, unknownApps: null, unresolved: isMarked(scope, app, 'accounts') ? unresolved.of(app, ['account']) : null,
  })
}

function outcomeOf(manifests: readonly ClassManifest[]): Outcome {
  const worst = worstOf(manifests)
  return worst === undefined || worst.verdict === 'complete' ? { verdict: 'complete', reason: null, place: null } : worst
}
