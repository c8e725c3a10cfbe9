import { z } from 'zod'
import { Progress } from '../../src/connect/paging/endpoint.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import type { AdminApi, Query } from './client.ts'
import { shaped } from './shapes.ts'

const List = z.array(z.unknown())
const Identified = z.object({ id: z.string() })

interface ListPage {
  rows: unknown[]
  place: string
}

/**
 * All rows of a list that gives no count (`first`, `max`; Keycloak sorts them). Each page is asked for from the last row already read,
 * which must come again as its first: where it does not, rows moved and one may have slipped between two pages. Ends with an empty
 * page; a short one proves nothing. Throws ConnectError `partial`.
 */
export async function* chain(api: AdminApi, name: string, path: string, query: Query, pageSize: number): AsyncGenerator<ListPage> {
  const progress = new Progress({ idOf })
  let next = 0
  let last: string | null = null
  for (let number = 1; ; number++) {
    const first: number = last === null ? next : next - 1
    const place = `${name} page ${number} (first=${first})`
    const answer = await api.get(path, { ...query, first, max: pageSize }, place)
    if (answer === null) throw new ConnectError('partial', 'what the list belongs to is gone since it was listed', place)
    const all = shaped(List, answer, place)
    if (last !== null && idOf(all[0]) !== last) throw new ConnectError('partial', 'rows moved between pages while they were read', place)
    const rows = last === null ? all : all.slice(1)
    next = first + all.length
    // Only the shared row came: asked once more without it, so that the end is an empty page in the server's own words.
    if (rows.length === 0 && last !== null) {
      last = null
      continue
    }
    yield { rows, place }
    if (rows.length === 0) return
    if (progress.repeats(all)) throw new ConnectError('partial', 'the rows of an earlier page came again', place)
    last = idOf(rows.at(-1))
  }
}

/** All rows of a list that comes in one answer. */
export async function whole(api: AdminApi, path: string, query: Query, place: string): Promise<unknown[]> {
  const answer = await api.get(path, query, place)
  if (answer === null) throw new ConnectError('partial', 'what the list belongs to is gone since it was listed', place)
  return shaped(List, answer, place)
}

const idOf = (value: unknown): string | null => Identified.safeParse(value).data?.id ?? null
