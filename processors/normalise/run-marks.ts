import type { ClassManifest, DefinitionsEnd, RunBegin, RunEnd } from '../../schemas/wire/common.ts'
import type { OpenRun } from '../shared/runs.ts'
import { showsNone, startPass } from '../shared/absences.ts'
import type { RunFinish } from './job.ts'
import type { Scope } from './scope.ts'
import { tellRun } from './sync-run.ts'

/** What a run's definitions-end said here: kept until the run ends. */
interface DefinitionsRow {
  readonly run: number
  readonly manifest: ClassManifest
}

export function beginRun(scope: Scope, record: RunBegin): void {
  if (scope.settings.app(record.source)?.state === 'retired') return
  const begun = scope.runs.begin(record)
  if (!begun.begun) return
  scope.context.state.delete('definitions-ends', record.source)
  scope.jobs.push({ kind: 'drop-staged', app: record.source })
  if (begun.abandoned !== null) tellAbandoned(scope, record, begun.abandoned)
}

/** Everything staged takes effect, whole or not; what a partial class did not show stays. */
export function endDefinitions(scope: Scope, record: DefinitionsEnd): void {
  const { runs, jobs, context } = scope
  const open = runs.open(record.source)
  if (open === null || open.run !== record.run) return
  const { manifest } = runs.judge(open, record.manifest, context.partition)
  const row: DefinitionsRow = { run: record.run, manifest }
  context.state.put('definitions-ends', record.source, row)
  jobs.push({ kind: 'apply-definitions', app: record.source, run: record.run, changed: null })
}

/**
 * Judges the run and queues what it proves: absences class by class, definitions last, then marks and the partition's row. A run that
 * shows no account at all is more likely one by somebody who may no longer see them than the truth: where there are accounts, neither
 * they go nor the definitions that they refer to.
 */
export function endRun(scope: Scope, record: RunEnd): void {
  const { runs, jobs, later, context, settings } = scope
  const app = record.source
  const ends = context.state.get<DefinitionsRow>('definitions-ends', app)
  const declared = runs.open(app)?.classes.includes('definitions') === true
  const classes = declared ? withDefinitions(record, ends) : record.classes
  const ended = runs.end({ ...record, classes }, context.partition)
  if (ended === null) return
  context.state.delete('definitions-ends', app)
  jobs.push({ kind: 'drop-staged', app })
  const { run, judgements } = ended
  const proofs = judgements.filter(({ provesAbsence }) => provesAbsence && settings.app(app) !== undefined)
  const proves = new Set(proofs.map((proof) => proof.manifest.class))
  const proven = ['memberships', 'grants', 'credentials', 'accounts', 'definitions'].filter((name) => proves.has(name))
  for (const name of proven) runs.completed(app, name, run.begin)
  const facets = proves.has('accounts') ? 'accounts' : null
  const emptied = runs.holds(app, 'accounts') > 0 && proofs.some(({ manifest }) => manifest.class === 'accounts' && showsNone(manifest))
  const passes = proven.map((name) => startPass(app, name, run, name === 'accounts' || name === 'definitions' ? null : facets, emptied))
  const finish: RunFinish = {
    kind: 'run-finish', app, run: run.run, manifests: judgements.map(({ manifest }) => manifest), proven,
    received: total(run), rejected: run.rejected, changed: run.changed, absent: 0, held: 0,
  }
  if (passes.length === 0) later.push(finish)
  else jobs.push({ kind: 'run-absences', observed: record.observed, passes, finish })
}

/** Definitions are as good as their own end said, if it came; where both marks carry a manifest, the worse one holds. */
function withDefinitions({ run, classes }: RunEnd, ends: DefinitionsRow | undefined): ClassManifest[] {
  const own = ends?.run === run ? ends.manifest : undefined
  const others = classes.filter((manifest) => manifest.class !== 'definitions')
  const last = classes.find((manifest) => manifest.class === 'definitions')
  if (own === undefined) {
    const reason = last?.reason ?? 'the run ended without an end of its definitions'
    return last === undefined ? others : [...others, { ...last, verdict: 'partial', reason }]
  }
  return [...others, last === undefined || own.verdict !== 'complete' ? own : last]
}

function tellAbandoned(scope: Scope, { source, run }: RunBegin, open: OpenRun): void {
  const reason = `abandoned: run ${run} began before run ${open.run} ended`
  const manifests = open.classes.map((name): ClassManifest => ({
    class: name, verdict: 'partial', reason, place: null, read: open.received[name] ?? 0, declared: null, rejected: 0, counts: [],
  }))
  tellRun(scope, {
    kind: 'run-finish', app: source, run: open.run, manifests, proven: [], received: total(open), rejected: open.rejected,
    changed: open.changed, absent: 0, held: 0,
  }, { verdict: 'partial', reason, place: null })
}

/** The most records of any one class: a record of an account counts in each class that it says something of. */
const total = ({ received }: OpenRun): number => Math.max(0, ...Object.values(received))
