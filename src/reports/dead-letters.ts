import { z } from 'zod'
import { limitFilter, ms, textFilter, where, type Report } from './report.ts'

export const DeadLetterRow = z.object({
  id: z.string(), source: z.string(), run: z.int().nullable(), stage: z.string(), code: z.string(), reason: z.string(), place: z.string(),
  record: z.string().nullable(), payload: z.string(), at: z.int(),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type DeadLetterRow = z.infer<typeof DeadLetterRow>

export const DeadLetterFilters = z.strictObject({ source: textFilter, code: textFilter, stage: textFilter, limit: limitFilter })
export type DeadLetterFilters = z.infer<typeof DeadLetterFilters>

/** What could not be processed, newest first. */
export const deadLetters: Report<DeadLetterFilters, DeadLetterRow> = {
  name: 'dead-letters',
  summary: 'records that could not be processed, with place and reason',
  filters: DeadLetterFilters,
  columns: [
    { key: 'at', title: 'at', kind: 'time' },
    { key: 'source', title: 'source', kind: 'text' },
    { key: 'stage', title: 'stage', kind: 'text' },
    { key: 'code', title: 'code', kind: 'text' },
    { key: 'place', title: 'place', kind: 'text' },
    { key: 'reason', title: 'reason', kind: 'text' },
    { key: 'id', title: 'id', kind: 'text' },
  ],
  run(store, filters) {
    const sql = `
      SELECT id, source, run, stage, code, reason, place, record, payload, ${ms('d.at', 'at')},
        CAST((topic, partition, offset, \`index\`), 'Tuple(topic String, partition Int64, offset Int64, index Int64)') AS position
      FROM dead_letters AS d
      ${where([['source = {source:String}', filters.source], ['code = {code:String}', filters.code], ['stage = {stage:String}', filters.stage]])}
      ORDER BY d.at DESC, topic, partition, offset DESC, \`index\` DESC LIMIT {limit:UInt32}`
    return store.query(sql, filters, DeadLetterRow)
  },
}
