import { createHmac } from 'node:crypto'
import type { LetterStage } from '../../schemas/letter-stages.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { canonical } from '../core/canonical.ts'
import type { Source } from './source.ts'

/** As it is published. */
interface Letter {
  topic: 'dead-letters'
  key: string
  record: RecordOf<'dead-letters'>
}

export interface LetterContent {
  stage: Extract<LetterStage, 'read' | 'map' | 'assemble' | 'post'>
  /** what kind of problem, one word or two with a dash */
  code: string
  reason: string
  /** told behind the reason; it may differ from one read to the next though the record is broken in the same way */
  aside?: string
  place: string
  /** id of the object, where it could be read */
  record: string | null
  /** masked already */
  payload: string
  /** fingerprint of what was read: equal where it is the same again; absent where nothing but its place tells */
  print?: string
}

/**
 * A dead letter of the source. The same record, broken in the same way, has the same id in whichever run it is read, wherever it stands
 * there: what is decided about it holds. Else its place is part of the id.
 */
export function deadLetter(source: Source, run: number | null, { print, aside, ...content }: LetterContent): Letter {
  const { stage, code, reason, place, record } = content
  const which = print === undefined ? { place } : { print }
  const id = keyed(source.letterKey, canonical([source.name, run !== null, stage, code, record, reason, which]))
  const letter: Letter['record'] = {
    type: 'DeadLetter', id, source: source.name, run, ...content, reason: aside === undefined ? reason : `${reason} (${aside})`, at: source.clock.nowMs(),
    state: 'open', by: null, why: null, cause: null,
  }
  return { topic: 'dead-letters', key: source.name, record: letter }
}

/** Without the key nobody can try which content gives an id: a record that was put aside may hold anything, a short secret too. */
const keyed = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('hex').slice(0, 32)
