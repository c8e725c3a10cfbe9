import type { Outgoing } from '../runtime/publisher.ts'
import type { Source } from './source.ts'
import { syncRunBegin, syncRunEnd } from './sync-run.ts'

const key = 'open-run'
const nothingRead = { pages: 0, read: 0, rejected: 0 }

/** Number of the run that is being read or published; null: none. */
export const openRunOf = (source: Source): number | null => source.kept<number | null>(key) ?? null

/** Of the checkpoint, in the transaction in which a run begins, and (null) in the one in which it ends. */
export const openRun = (run: number | null): [string, number | null] => [key, run]

/** That the run began and, where a process left one behind, that this one is over: nothing else will say so. */
export function tellBegin(source: Source, run: number): Outgoing[] {
  const now = source.clock.nowMs()
  const left = openRunOf(source)
  const begin = syncRunBegin(source.name, run, now)
  return left === null ? [begin] : [syncRunEnd(source.name, left, now, nothingRead, [], 'abandoned: the process ended before the run did'), begin]
}
