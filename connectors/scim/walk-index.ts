import { ConnectError, type Page } from '../../src/ports/connector.ts'
import { idOf } from './attributes.ts'
import type { Walk } from './paging.ts'

/**
 * Pages by startIndex, until one is empty: a short page is no end. Rows shift under a walk when others are created or deleted, and
 * totals can agree all the same; so each page is asked for from the last row already read, which must come again as its first and
 * is then left out. Where it does not come again, rows may have slipped between two pages: the page is handed on whole, with a
 * `start` that overlaps the page before. A server that answers another position than asked shows by its own `start`. The last
 * page, empty, carries the total as it is after the walk.
 */
export async function* walkByIndex({ client, name, path, query, pageSize }: Walk): AsyncGenerator<Page> {
  const seen = new Set<string>()
  let next = 1
  let last: string | null = null
  for (let number = 1; ; number++) {
    const asked: number = last === null ? next : next - 1
    const place = `${name} page ${number} (startIndex=${asked})`
    const list = await client.list(path, { ...query, startIndex: asked, count: pageSize }, place)
    const shared = last !== null && idOf(list.rows[0]) === last ? 1 : 0
    const rows = list.rows.slice(shared)
    if (list.rows.length === 0 && list.total !== null && list.total >= asked) {
      throw new ConnectError('partial', `the page is empty, though the server counts ${list.total} rows`, place)
    }
    next = asked + list.rows.length
    last = null
    // Only the shared row came: ask once more without it, so that the end is an empty page in the server's own words.
    if (rows.length === 0 && shared === 1) continue
    yield { rows, place, total: list.total, start: (rows.length > 0 ? (list.startIndex ?? asked) : asked) - 1 + shared }
    if (!anyNew(rows, seen)) return
    last = idOf(rows.at(-1))
  }
}

/** A page of rows that all came before is no progress: the server repeats itself, and the page shows it. */
function anyNew(rows: readonly unknown[], seen: Set<string>): boolean {
  let found = false
  for (const row of rows) {
    const id = idOf(row)
    if (id !== null && seen.has(id)) continue
    if (id !== null) seen.add(id)
    found = true
  }
  return found
}
