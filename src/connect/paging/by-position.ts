import { z } from 'zod'
import { ConnectError, type Page } from '../../ports/connector.ts'
import { type Endpoint, Progress, type Strategy, resumeOf } from './endpoint.ts'

interface PositionParameters {
  /** parameter that holds the position of the first row */
  start: string
  /** parameter that holds how many rows are asked for; null where the source takes none */
  count: string | null
  /** what the source calls its first row: 0 (offset) or 1 (index) */
  base: 0 | 1
}

const Resume = z.strictObject({ next: z.int().min(0), last: z.string().nullable() })

/**
 * Pages by the position of a row (offset, startIndex), until one is empty. Rows shift under a walk when others are created or deleted,
 * and totals can agree all the same; so each page is asked for from the last row already read, which must come again as its first and
 * is then left out. Where it does not come again, rows may have slipped between two pages: the page is handed on whole, with a `start`
 * that overlaps the page before. A source that answers another position than asked shows by its own `start`. A page that came before is
 * a loss. The last page, empty, carries the total as it is after the walk.
 */
export const byPosition = (parameters: PositionParameters): Strategy => ({
  proof: 'total',
  walk: (endpoint, from) => walk(endpoint, parameters, from),
})

async function* walk(endpoint: Endpoint, { start, count, base }: PositionParameters, from: string | null): AsyncGenerator<Page> {
  const { name, pageSize } = endpoint
  const progress = new Progress(endpoint)
  let { next, last } = from === null ? { next: 0, last: null } : resumeOf(Resume, from, name)
  for (let number = 1; ; number++) {
    const asked = last === null ? next : next - 1
    const place = `${name} page ${number} (${start}=${asked + base})`
    const parameters = { [start]: String(asked + base), ...(count !== null && { [count]: String(pageSize) }) }
    const answer = await endpoint.ask({ parameters, url: null }, place)
    const shared = last !== null && answer.rows.length > 0 && endpoint.idOf(answer.rows[0]) === last ? 1 : 0
    const rows = answer.rows.slice(shared)
    if (answer.rows.length === 0 && answer.total !== null && answer.total > asked) {
      throw new ConnectError('partial', `the page is empty, though the source counts ${answer.total} rows`, place)
    }
    next = asked + answer.rows.length
    last = null
    // Only the shared row came: ask once more without it, so that the end is an empty page in the source's own words.
    if (rows.length === 0 && shared === 1) continue
    last = endpoint.idOf(rows.at(-1))
    const rejected = answer.rejected ?? []
    yield {
      rows, place, rejected, total: answer.total, start: (rows.length > 0 ? (answer.start ?? asked) : asked) + shared,
      resume: JSON.stringify({ next, last } satisfies z.infer<typeof Resume>),
    }
    if (rows.length === 0 && rejected.length === 0) return
    progress.advance(answer, next, start, place)
  }
}
