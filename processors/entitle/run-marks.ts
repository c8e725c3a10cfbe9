import type { IntentClass } from '../../schemas/settings.ts'
import type { ClassManifest, DefinitionsEnd, RunBegin, RunEnd, Ruling } from '../../schemas/wire/common.ts'
import { releasePass, showsNone, startPass } from '../shared/absences.ts'
import { settleLater } from './postponed.ts'
import { endedOf, tellRun } from './run-end.ts'
import type { Scope } from './scope.ts'
import { declaredClass, intentClasses, isIntentClass } from './scope.ts'
import { sweepLater } from './sweep.ts'

export function beginRun(scope: Scope, record: RunBegin): void {
  const begun = scope.runs.begin(record)
  if (!begun.begun || begun.abandoned === null) return
  const { abandoned } = begun
  const reason = `run ${record.run} began before run ${abandoned.run} ended`
  const classes = abandoned.classes.map((name): ClassManifest => (
    { class: name, verdict: 'partial', reason, place: null, read: 0, declared: null, rejected: 0, counts: [] }
  ))
  tellRun(scope, endedOf(record.source, abandoned, classes, []), { absent: 0, held: 0 })
  scope.jobs.push({ kind: 'unstage', feed: record.source, run: abandoned.run })
}

/** The run's business roles take effect, all of them before anything else is processed; for whom they concern, later. */
export function endDefinitions(scope: Scope, { source, run, manifest }: DefinitionsEnd): void {
  const open = scope.runs.open(source)
  if (open?.run !== run) return
  if (open.classes.includes(manifest.class)) scope.context.state.put('definitions', source, { run, manifest })
  scope.jobs.push({ kind: 'stage', feed: source, run })
  sweepLater(scope)
}

/** Absences are applied before anything else is processed; what they change, and then the run's row and marks, may come later. */
export function endRun(scope: Scope, record: RunEnd): void {
  const { runs, jobs, context } = scope
  const end = runs.end(withDefinitions(scope, record), context.partition)
  if (end === null) return
  const { run, judgements } = end
  settleLater(scope)
  const proven: string[] = []
  for (const { manifest, provesAbsence } of judgements) {
    const name = manifest.class
    if (!provesAbsence || !isIntentClass(name)) continue
    proven.push(name)
    runs.completed(record.source, name, run.begin)
    // requests, decisions and what else is said of people may come to an end; a feed that knows nobody is more likely broken
    const emptied = name === 'identities' && showsNone(manifest)
    jobs.push({ kind: 'absences', pass: startPass(record.source, name, run, null, emptied), release: false })
    jobs.push({ kind: 'forget-removals', feed: record.source, class: name, before: run.begin, after: null })
  }
  jobs.push({ kind: 'unstage', feed: record.source, run: run.run })
  jobs.push({ kind: 'conclude', ended: endedOf(record.source, run, judgements.map(({ manifest }) => manifest), proven) })
}

/** The manifest of the definitions came with their end; the run's end need not repeat it. */
function withDefinitions({ context: { state } }: Scope, record: RunEnd): RunEnd {
  const definitions = state.get<{ run: number; manifest: ClassManifest }>('definitions', record.source)
  if (definitions?.run !== record.run) return record
  state.delete('definitions', record.source)
  const { manifest } = definitions
  const named = record.classes.some((other) => other.class === manifest.class)
  return named ? record : { ...record, classes: [...record.classes, manifest] }
}

/** A person's word on a feed: its baseline stands without a complete run, held absences apply, or all of it goes. */
export function applyRuling(scope: Scope, { kind, source, run }: Ruling): void {
  const { runs, jobs } = scope
  if (kind === 'baseline') {
    for (const name of classesOf(scope, source)) scope.later.push({ kind: 'mark', feed: source, class: name })
    return
  }
  if (kind === 'retire') jobs.push({ kind: 'retire', retirement: { feed: source, classes: intentClasses, after: null } })
  else {
    const passes = intentClasses.flatMap((name) => (run === null ? [] : (releasePass(runs, source, name, run) ?? [])))
    for (const pass of passes) jobs.push({ kind: 'absences', pass, release: true })
  }
  sweepLater(scope)
}

/** As the settings say, or, for a feed that they do not name, as its runs declared; none for applications. */
function classesOf(scope: Scope, source: string): IntentClass[] {
  const declared = declaredClass(scope, source)
  return declared === undefined ? scope.runs.declared(source).filter(isIntentClass) : [declared]
}
