import type { LetterStage } from '../../schemas/letter-stages.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { canonical, digest } from '../core/canonical.ts'

export type DeadLetter = RecordOf<'dead-letters'>

export interface LetterContent {
  stage: Extract<LetterStage, 'read' | 'map' | 'assemble' | 'post'>
  /** what kind of problem, one word or two with a dash */
  code: string
  reason: string
  place: string
  /** id of the object, where it could be read */
  record: string | null
  /** masked already */
  payload: string
}

/** The same problem at the same place of the same run has the same id, so that a run told twice shows it once. */
export function deadLetter(source: string, run: number | null, at: number, content: LetterContent): DeadLetter {
  const id = digest(canonical([source, run, content.stage, content.code, content.place, content.record, content.reason]))
  return { type: 'DeadLetter', id, source, run, ...content, at, state: 'open', by: null, why: null, cause: null }
}
