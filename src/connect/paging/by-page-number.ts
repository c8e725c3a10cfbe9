import { z } from 'zod'
import { ConnectError, type Page } from '../../ports/connector.ts'
import { type Answer, type Endpoint, Progress, type Strategy, resumeOf } from './endpoint.ts'

interface PageNumberParameters {
  /** parameter that holds the number of the page */
  page: string
  /** parameter that holds how many rows are asked for; null where the source takes none */
  count: string | null
  /** what the source calls its first page: 0 or 1 */
  first: 0 | 1
  /**
   * Asks for each page once more after the next one was read: it must still end with the same row, or rows slipped between the two.
   * Costs a second request a page; without it nothing is proven, however well the totals agree.
   */
  recheck: boolean
}

const Resume = z.strictObject({ page: z.int().min(0), start: z.int().min(0), last: z.string().nullable() })

/** Pages by number, until one is empty or, after the first, answered not-found. A page that came before is a loss. */
export const byPageNumber = (parameters: PageNumberParameters): Strategy => ({
  proof: parameters.recheck ? 'total' : 'none',
  walk: (endpoint, from) => walk(endpoint, parameters, from),
})

async function* walk(endpoint: Endpoint, parameters: PageNumberParameters, from: string | null): AsyncGenerator<Page> {
  const { name } = endpoint
  const progress = new Progress(endpoint)
  let { page, start, last } = from === null ? { page: 0, start: 0, last: null } : resumeOf(Resume, from, name)
  for (; ; page++) {
    const answer = await ask(endpoint, parameters, page)
    if (parameters.recheck && last !== null) await confirm(endpoint, parameters, page - 1, last)
    const { rows, total, place } = answer
    const rejected = answer.rejected ?? []
    last = endpoint.idOf(rows.at(-1))
    const next = start + rows.length + rejected.length
    yield { rows, place, rejected, total, start: answer.start ?? start, resume: JSON.stringify({ page: page + 1, start: next, last }) }
    start = next
    if (rows.length === 0 && rejected.length === 0) return
    progress.advance(answer, next, parameters.page, place)
  }
}

async function ask(endpoint: Endpoint, { page: parameter, count, first }: PageNumberParameters, page: number): Promise<Answer & { place: string }> {
  const place = `${endpoint.name} page ${page + 1} (${parameter}=${page + first})`
  const parameters = { [parameter]: String(page + first), ...(count !== null && { [count]: String(endpoint.pageSize) }) }
  try {
    return { ...(await endpoint.ask({ parameters, url: null }, place)), place }
  } catch (error) {
    // Some sources call a page beyond the end not found; a total still has to agree.
    if (page === 0 || !(error instanceof ConnectError) || error.class !== 'not-found') throw error
    return { rows: [], total: null, start: null, next: null, place }
  }
}

async function confirm(endpoint: Endpoint, parameters: PageNumberParameters, page: number, last: string): Promise<void> {
  const again = await ask(endpoint, parameters, page)
  if (endpoint.idOf(again.rows.at(-1)) === last) return
  throw new ConnectError('partial', 'rows moved between pages while they were read: the page no longer ends with the same row', again.place)
}
