import { ConnectError, type Page } from '../../src/ports/connector.ts'
import { idOf } from './attributes.ts'
import type { Query, ScimClient } from './client.ts'
import { walkByCursor } from './walk-cursor.ts'
import { walkByIndex } from './walk-index.ts'

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

export function walk(paging: Paging, of: Walk): AsyncGenerator<Page> {
  return paging === 'cursor' ? walkByCursor(of) : walkByIndex(of)
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

/** The rows of a page that were not seen before; those without an id pass, their mapping refuses them. */
export function unseen(rows: readonly unknown[], seen: Set<string>): unknown[] {
  return rows.filter((row) => {
    const id = idOf(row)
    if (id === null) return true
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}
