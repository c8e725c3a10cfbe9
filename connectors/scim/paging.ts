import { byCursor } from '../../src/connect/paging/by-chain.ts'
import { byPosition } from '../../src/connect/paging/by-position.ts'
import { type Endpoint, ExpiredCursor, type Strategy, rowsOfFirstPage } from '../../src/connect/paging/endpoint.ts'
import { ConnectError, type Page } from '../../src/ports/connector.ts'
import { idOf } from './attributes.ts'
import { type Query, type ScimClient, ScimError } from './client.ts'

export type Paging = 'index' | 'cursor'

export interface Walk {
  client: ScimClient
  /** for places: Users, Groups */
  name: string
  path: string
  /** what every page is asked with besides its position */
  query: Query
  pageSize: number
}

/** By startIndex (RFC 7644, 3.4.2.4) or by cursor (RFC 9865). */
export const strategies: Readonly<Record<Paging, Strategy>> = {
  index: byPosition({ start: 'startIndex', count: 'count', base: 1 }),
  cursor: byCursor({ cursor: 'cursor', count: 'count', first: '' }),
}

/** `from`: the `resume` of an earlier page. */
export function walk(paging: Paging, of: Walk, from: string | null = null): AsyncGenerator<Page> {
  return strategies[paging].walk(endpointOf(of), from)
}

/** How many rows come on the first page where so many are asked for. */
export const sized = (paging: Paging, of: Walk) => (rows: number): Promise<number> =>
  rowsOfFirstPage(strategies[paging], endpointOf({ ...of, pageSize: rows }))

function endpointOf({ client, name, path, query, pageSize }: Walk): Endpoint {
  return {
    name,
    pageSize,
    idOf,
    async ask({ parameters }, place) {
      try {
        const { rows, total, startIndex, nextCursor } = await client.list(path, { ...query, ...parameters }, place)
        return { rows, total, start: startIndex === null ? null : startIndex - 1, next: nextCursor }
      } catch (error) {
        if (error instanceof ScimError && error.scimType === 'expiredCursor') throw new ExpiredCursor(place)
        throw error
      }
    },
  }
}

/** Errors that say nothing about paging: they are told, not read as 'no cursors here'. */
const telling = new Set(['authentication', 'permission', 'throttled', 'transient', 'configuration', 'not-found'])

/**
 * Which paging this endpoint really does: two pages of one row are asked for by cursor, and only if the second shows other rows
 * is it believed. A server that knows no cursors may answer 200, the first page and nothing more, as if it were the last.
 */
export async function measurePaging({ client, name, path, query }: Walk): Promise<Paging> {
  const place = `${name}, measuring cursor paging`
  try {
    const first = await client.list(path, { ...query, cursor: '', count: 1 }, place)
    if (first.nextCursor === null || first.rows.length === 0) return 'index'
    const second = await client.list(path, { ...query, cursor: first.nextCursor, count: 1 }, place)
    const known = new Set(first.rows.map(idOf))
    return second.rows.length > 0 && second.rows.every((row) => !known.has(idOf(row))) ? 'cursor' : 'index'
  } catch (error) {
    if (error instanceof ConnectError && !telling.has(error.class)) return 'index'
    throw error
  }
}
