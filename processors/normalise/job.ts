import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { AbsencePass } from '../shared/absences.ts'

/** Work in slices, before the next record. Every job carries its own progress; `after` is the last row that was done. */
export type Job =
  | ApplyDefinitions
  | { kind: 'drop-staged'; app: string }
  | { kind: 'watchers'; topics: readonly string[]; after: string | null }
  | { kind: 'claim-timers' }
  | RunAbsences
  | { kind: 'prune-tombs'; table: string; app: string; before: number; after: string | null }
  | { kind: 'release'; pass: AbsencePass }
  | { kind: 'retire'; app: string }
  | { kind: 'note-named'; after: string | null }
  | { kind: 'carry-on'; rows: number }

export interface ApplyDefinitions {
  readonly kind: 'apply-definitions'
  readonly app: string
  readonly run: number
  /** newest stamp of a definition that changed so far, or null */
  readonly changed: number | null
}

export interface RunAbsences {
  readonly kind: 'run-absences'
  /** stamp of the run's end */
  readonly observed: number
  /** one for each class that proves absence, the first is in work */
  readonly passes: readonly AbsencePass[]
  readonly finish: RunFinish
}

/** Of a run whose absences are applied: told when everything that it changed is derived. */
export interface RunFinish {
  readonly kind: 'run-finish'
  readonly app: string
  readonly run: number
  readonly manifests: readonly ClassManifest[]
  /** classes that this run proved here */
  readonly proven: readonly string[]
  readonly received: number
  readonly rejected: number
  readonly changed: number
  readonly absent: number
  readonly held: number
}
