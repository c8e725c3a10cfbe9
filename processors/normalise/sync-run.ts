import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { RunFinish } from './job.ts'
import { isMarked } from './marks.ts'
import type { Scope } from './scope.ts'

type Outcome = Pick<ClassManifest, 'verdict' | 'reason' | 'place'>

/** This partition's row of an ended run. Its verdict is that of its worst class, `partial` being worse than `unknown`. */
export function tellRun(scope: Scope, finish: RunFinish, outcome: Outcome = worst(finish.manifests)): void {
  const { context, unresolved } = scope
  const { app, run, received, rejected, changed, absent, held, manifests } = finish
  context.emit('sync-runs', app, {
    type: 'SyncRun', source: app, run, phase: 'partition', partition: context.partition, verdict: outcome.verdict,
    reason: outcome.reason, place: outcome.place, at: context.now, pages: 0, read: received, rejected, changed, absent, held,
    classes: [...manifests], schemaChanges: null, unknownApps: null, unresolved: isMarked(scope, app, 'accounts') ? unresolved.of(app, ['account']) : null,
  })
}

function worst(manifests: readonly ClassManifest[]): Outcome {
  const found = manifests.find(({ verdict }) => verdict === 'partial') ?? manifests.find(({ verdict }) => verdict === 'unknown')
  return found ?? { verdict: 'complete', reason: null, place: null }
}
