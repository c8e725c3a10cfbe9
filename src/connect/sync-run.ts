import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import type { Outgoing } from '../runtime/publisher.ts'
import { worstOf } from './manifest.ts'

type SyncRun = RecordOf<'sync-runs'>

const nothingYet = { partition: null, changed: 0, absent: 0, held: 0 } as const

/** The source began to read; key: source. */
export function syncRunBegin(source: string, run: number, at: number): Outgoing {
  const record: SyncRun = {
    type: 'SyncRun', source, run, phase: 'begin', verdict: null, reason: null, place: null, at, pages: 0, read: 0, rejected: 0,
    classes: [], ...nothingYet,
  }
  return { topic: 'sync-runs', key: source, record }
}

export interface RunCounts {
  pages: number
  read: number
  rejected: number
}

/** What the source's run came to: the worst of its classes. */
export function syncRunEnd(source: string, run: number, at: number, counts: RunCounts, classes: ClassManifest[], failure: string | null): Outgoing {
  const worst = worstOf(classes)
  const record: SyncRun = {
    type: 'SyncRun', source, run, phase: 'end', verdict: worst.verdict, reason: failure ?? worst.reason, place: worst.place, at,
    ...counts, classes, ...nothingYet,
  }
  return { topic: 'sync-runs', key: source, record }
}
