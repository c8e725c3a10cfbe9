import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { AbsencePass } from '../shared/absences.ts'

/** Work in slices. Every job carries its own progress; `after` is the last row that was done. */
export type Job =
  | ApplyDefinitions
  | { kind: 'drop-staged'; app: string }
  | Rederive
  | { kind: 'watchers'; topics: readonly string[]; after: string | null }
  | { kind: 'claim-timers' }
  | RunAbsences
  | RunFinish
  | { kind: 'prune-tombs'; table: string; app: string; before: number; after: string | null }
  | { kind: 'release'; pass: AbsencePass }
  | { kind: 'retire'; app: string }

export interface ApplyDefinitions {
  readonly kind: 'apply-definitions'
  readonly app: string
  readonly run: number
  /** newest stamp of a definition that changed so far, or null */
  readonly changed: number | null
}

/** Accounts of an app (null: of all) are derived anew. `stamp`: of the observation that may show new grants, if it was one. */
export interface Rederive {
  readonly kind: 'rederive'
  readonly app: string | null
  readonly stamp: number | null
  readonly after: string | null
}

export interface RunAbsences {
  readonly kind: 'run-absences'
  /** stamp of the run's end */
  readonly observed: number
  /** one for each class that proves absence, the first is in work */
  readonly passes: readonly AbsencePass[]
  readonly finish: RunFinish
}

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
