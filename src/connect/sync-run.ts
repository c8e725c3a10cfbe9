import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { SchemaChange, UnknownApp } from '../../schemas/wire/results.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import type { Outgoing } from '../runtime/publisher.ts'
import { outcomeOf } from './manifest.ts'
import type { ShapeChange } from './shape.ts'

type SyncRun = RecordOf<'sync-runs'>

const nothingYet = { partition: null, changed: 0, absent: 0, held: 0, unresolved: null } as const

/** A record has a size: where an application's rows are others altogether, the first ones say it. */
const maxChanges = 100
const maxExampleChars = 120

/** The source began to read; key: source. */
export function syncRunBegin(source: string, run: number, at: number): Outgoing {
  const record: SyncRun = {
    type: 'SyncRun', source, run, phase: 'begin', verdict: null, reason: null, place: null, at, pages: 0, read: 0, rejected: 0,
    classes: [], schemaChanges: null, unknownApps: null, ...nothingYet,
  }
  return { topic: 'sync-runs', key: source, record }
}

interface RunCounts {
  pages: number
  read: number
  rejected: number
}

/** What a run showed besides its objects. `shapeChanges`: how its rows differ from those of the last complete read. */
interface RunNews {
  shapeChanges?: readonly ShapeChange[]
  unknownApps?: readonly UnknownApp[]
}

/** What the source's run came to: the worst of its classes. */
export function syncRunEnd(
  source: string, run: number, at: number, counts: RunCounts, classes: ClassManifest[], failure: string | null, { shapeChanges = [], unknownApps = [] }: RunNews = {},
): Outgoing {
  const outcome = outcomeOf(classes)
  const record: SyncRun = {
    type: 'SyncRun', source, run, phase: 'end', verdict: outcome.verdict, reason: failure ?? outcome.reason, place: outcome.place, at,
    ...counts, classes, schemaChanges: shapeChanges.length === 0 ? null : shapeChanges.slice(0, maxChanges).map(shortened),
    unknownApps: unknownApps.length === 0 ? null : [...unknownApps], ...nothingYet,
  }
  return { topic: 'sync-runs', key: source, record }
}

/** Rows of a feed were taken that were posted: its number is 0, which no run has, and nothing follows from it but that the feed has told something. */
export function postedRows(source: string, at: number, of: ClassManifest['class'], counts: Omit<RunCounts, 'pages'>): Outgoing {
  const manifest: ClassManifest = { class: of, verdict: 'unknown', reason: null, place: null, read: counts.read, declared: null, rejected: counts.rejected, counts: [] }
  const record: SyncRun = {
    type: 'SyncRun', source, run: 0, phase: 'end', verdict: 'unknown', reason: 'posted', place: null, at, pages: 0, ...counts,
    classes: [manifest], schemaChanges: null, unknownApps: null, ...nothingYet,
  }
  return { topic: 'sync-runs', key: source, record }
}

const shortened = (change: ShapeChange): SchemaChange => ({ ...change, example: change.example?.slice(0, maxExampleChars).toWellFormed() ?? null })
