import fc from 'fast-check'
import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { DeadLetter, SyncRun } from '../../schemas/wire/results.ts'
import { deadLetter, syncRun } from '../sink/records.ts'

type Verdict = 'complete' | 'partial' | 'unknown' | 'running'
export type Step =
  | { does: 'tell' | 'retried' | 'discarded'; letter: number; inRun: boolean }
  | { does: 'end'; verdict: Verdict }

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('tell' as const, 'tell' as const, 'retried' as const, 'discarded' as const), letter: fc.nat(2), inRun: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constantFrom<Verdict>('complete', 'complete', 'partial', 'unknown', 'running').map((verdict) => ({ does: 'end' as const, verdict })) },
)

interface Letter {
  state: string
  /** of the row that counts */
  run: number | null
  /** the last run that told it; 0: none did */
  told: number
  /** put aside, and told by no run since then that follows on a complete one which was without it */
  isAside: boolean
}

export const manifest: ClassManifest = { class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1, declared: 1, rejected: 0, counts: [1] }

/** Rows of a source of its own, and what its letters are by one who reads along. What stands behind the end of a run is of the next one. */
export function play(source: string, story: readonly Step[]): { rows: DeadLetter[]; runs: SyncRun[]; letters: [id: string, state: string, run: number | null][] } {
  const rows: DeadLetter[] = []
  const runs: SyncRun[] = []
  const known = new Map<string, Letter>()
  const complete: number[] = []
  let run = 1
  for (const one of story) {
    if (one.does === 'end') {
      runs.push(syncRun({ source, run }))
      if (one.verdict !== 'running') runs.push(syncRun({ source, run, phase: 'end', verdict: one.verdict, classes: [manifest] }), syncRun({ source, run, phase: 'partition', partition: 0, verdict: 'complete' }))
      if (one.verdict === 'complete') complete.push(run)
      run++
      continue
    }
    const id = `${source} ${one.letter} ${one.inRun ? 'of runs' : 'of none'}`
    const before = known.get(id)
    if (one.does === 'tell') {
      const of = one.inRun ? run : null
      rows.push(deadLetter({ id, source, run: of }))
      const told = before?.told ?? 0
      const isAside = before?.isAside === true && !(one.inRun && complete.some((done) => told < done && done < run))
      known.set(id, isAside ? { ...before, told: of ?? 0 } : { state: 'open', run: of, told: of ?? 0, isAside })
    } else if (before !== undefined && !before.isAside) {
      rows.push(deadLetter({ id, source, run: before.run, state: one.does, by: 'ann', why: one.does === 'discarded' ? 'a test row' : null }))
      known.set(id, { ...before, state: one.does, isAside: one.does === 'discarded' })
    }
  }
  const isOver = ({ state, run: of }: Letter): boolean => state === 'open' && of !== null && complete.some((done) => done > of)
  return { rows, runs, letters: [...known].map(([id, letter]) => [id, isOver(letter) ? 'superseded' : letter.state, letter.run]) }
}
