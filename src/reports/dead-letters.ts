import { z } from 'zod'
import { letterStages } from '../../schemas/letter-stages.ts'
import type { Store } from '../ports/store.ts'
import { limitFilter, ms, textFilter, where, type Report } from './report.ts'

export const DeadLetterRow = z.object({
  id: z.string(), source: z.string(), run: z.int().nullable(), stage: z.string(), code: z.string(), reason: z.string(), place: z.string(),
  record: z.string().nullable(), payload: z.string(), at: z.int(),
  state: z.enum(['open', 'retried', 'discarded', 'superseded']), by: z.string().nullable(), why: z.string().nullable(),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type DeadLetterRow = z.infer<typeof DeadLetterRow>

export const DeadLetterFilters = z.strictObject({
  id: textFilter.describe('an id, or the beginning of one'), source: textFilter, code: textFilter,
  stage: z.enum(letterStages).nullable().default(null).describe('where on its way'),
  state: z.enum(['open', 'retried', 'discarded', 'superseded', 'all']).default('open')
    .describe('open: nobody decided yet, or told again after a retry; superseded: a later complete run read all again and did not tell it'), limit: limitFilter,
})
export type DeadLetterFilters = z.infer<typeof DeadLetterFilters>

/** What could not be processed, last told first. A letter that several runs told is one, with the place where the last of them found it. */
export const deadLetters: Report<DeadLetterFilters, DeadLetterRow> = {
  name: 'dead-letters',
  summary: 'records that could not be processed, with place and reason',
  filters: DeadLetterFilters,
  restsOnSources: false,
  columns: [
    { key: 'at', title: 'at', kind: 'time' },
    { key: 'source', title: 'source', kind: 'text' },
    { key: 'stage', title: 'stage', kind: 'text' },
    { key: 'code', title: 'code', kind: 'text' },
    { key: 'place', title: 'place', kind: 'text' },
    { key: 'reason', title: 'reason', kind: 'text' },
    { key: 'state', title: 'state', kind: 'text' },
    { key: 'id', title: 'id', kind: 'id' },
  ],
  run(store, filters) {
    const state = filters.state === 'all' ? null : filters.state
    const conditions = where([
      ['startsWith(id, {id:String})', filters.id], ['source = {source:String}', filters.source], ['code = {code:String}', filters.code],
      ['stage = {stage:String}', filters.stage], ['state = {state:String}', state],
    ])
    const sql = `
      SELECT id, source, run, stage, code, reason, place, record, payload, ${ms('d.at', 'at')}, state, \`by\`, why,
        CAST((topic, partition, offset, \`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position
      FROM dead_letters_now AS d
      ${conditions}
      ORDER BY d.at DESC, topic, partition, offset DESC, \`index\` DESC LIMIT {limit:UInt32}`
    return store.query(sql, filters, DeadLetterRow)
  },
}

/** Letters whose id begins so, in any state; at most two, which is enough to know that it is ambiguous. */
export const deadLetterById = (store: Store, id: string): Promise<DeadLetterRow[]> =>
  deadLetters.run(store, DeadLetterFilters.parse({ id, state: 'all', limit: 2 }))

/** Letters of one source that nobody decided about. */
export const OpenLetters = z.object({ source: z.string(), letters: z.int() })
export type OpenLetters = z.infer<typeof OpenLetters>

/** Most first. `source`: of this one only; null: of all. */
export const openLetters = (store: Store, source: string | null): Promise<OpenLetters[]> =>
  store.query(
    `SELECT source, count() AS letters FROM dead_letters_now ${where([["state = 'open'", 'open'], ['source = {source:String}', source]])} GROUP BY source ORDER BY letters DESC, source`,
    { source },
    OpenLetters,
  )
