import { ConnectError, type Page } from '../../ports/connector.ts'
import { type Endpoint, type PageRequest, Progress, type Strategy } from './endpoint.ts'

/** A chain of pages without rows is no progress; this many in a row are taken for an endless one. */
const maxEmptyPages = 100

interface CursorParameters {
  cursor: string
  /** parameter that holds how many rows are asked for; null where the source takes none */
  count: string | null
  /** what the cursor is on the first page; null leaves it out */
  first: string | null
}

/** Pages by an opaque cursor that each page gives for the next one (RFC 9865 and its like). */
export const byCursor = ({ cursor, count, first }: CursorParameters): Strategy =>
  chain('cursor', (next, pageSize) => ({
    parameters: { ...((next ?? first) !== null && { [cursor]: next ?? first ?? '' }), ...(count !== null && { [count]: String(pageSize) }) },
    url: null,
  }))

/** Pages by the address that each page gives for the next one: a Link header (RFC 8288) or a field of the body. */
export const byAddress = (count: string | null): Strategy =>
  chain('address', (next, pageSize) => ({ parameters: next === null && count !== null ? { [count]: String(pageSize) } : {}, url: next }))

/**
 * Follows the chain until a page names no next one. That alone is not believed: a chain that ended with fewer rows than the smallest
 * total the source gave meanwhile has lost some; and a chain that comes back to where it was has no end.
 */
const chain = (kind: string, requestOf: (next: string | null, pageSize: number) => PageRequest): Strategy => ({
  proof: 'cursor',
  walk: (endpoint, from) => walk(endpoint, kind, requestOf, from),
})

async function* walk(
  endpoint: Endpoint, kind: string, requestOf: (next: string | null, pageSize: number) => PageRequest, from: string | null,
): AsyncGenerator<Page> {
  const progress = new Progress(endpoint)
  const known = new Set<string>()
  let smallestTotal = Infinity
  let read = 0
  let empty = 0
  let next = from
  for (let number = 1; ; number++) {
    const place = `${endpoint.name} page ${number} (by ${kind}${from === null ? '' : ', resumed'})`
    const { rows, total, next: following, rejected = [] } = await endpoint.ask(requestOf(next, endpoint.pageSize), place)
    smallestTotal = Math.min(smallestTotal, total ?? Infinity)
    read += rows.length + rejected.length
    // An address may carry what nobody should keep: only cursors are kept to go on from.
    yield { rows, place, rejected, total, start: null, resume: kind === 'cursor' ? following : null }
    if (endpoint.events !== true && progress.repeats(rows)) throw new ConnectError('partial', `the next ${kind} gave the same rows again; set paging to another kind`, place)
    if (following === null) {
      // Resumed in the middle, only the books of the whole read can tell.
      if (from !== null || read >= smallestTotal) return
      if (smallestTotal !== Infinity) throw new ConnectError('partial', `the chain of pages ended after ${read} of ${smallestTotal} rows; set paging to another kind`, place)
      return
    }
    empty = rows.length + rejected.length === 0 ? empty + 1 : 0
    if (known.has(following) || following === next || empty > maxEmptyPages) {
      throw new ConnectError('partial', 'the chain of pages does not come to an end', place)
    }
    known.add(following)
    next = following
  }
}
