import { type Expression, ExpressionError, parseExpression } from '../../src/connect/declared/expression.ts'
import type { DeclaredMap, DeclaredRow } from '../../src/connect/declared/mapping.ts'
import { fingerprint } from '../../src/connect/fingerprint.ts'
import { strategyOf } from '../../src/connect/paging/config.ts'
import { type Answer as PageAnswer, type Endpoint, ExpiredCursor, type PageRequest, type Strategy } from '../../src/connect/paging/endpoint.ts'
import { absolute, nextLink } from '../../src/connect/paging/link.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { type Answer, type Api, count, flag, good, list, ofAnswer, text } from './api.ts'
import { names, type RestConfig, type RestList, type RestStream } from './config.ts'

/** One declared list, ready to be walked. */
export interface List {
  readonly strategy: Strategy
  /** `variables`: what path and query speak of. `parent`: goes into every row. `seen`: gets every answer before it is judged. */
  endpoint(name: string, variables: Readonly<Record<string, string>>, parent: string | null, seen?: (answer: Answer) => void): Endpoint
}

export function declaredList(api: Api, config: RestConfig, of: RestList, id: string | null): List {
  const paging = of.paging ?? config.paging
  const expected = { rows: 'a list', total: 'a count', start: 'a position', next: 'a cursor or an address', flag: 'true or false' }
  const read = {
    rows: ofAnswer(of.rows, names.answer, list, expected.rows),
    total: of.total === undefined ? null : ofAnswer(of.total, names.answer, count, expected.total),
    start: of.start === undefined ? null : ofAnswer(of.start, names.answer, count, expected.start),
    next: of.next === undefined ? null : ofAnswer(of.next, names.answer, text, expected.next),
    error: of.error === undefined ? null : ofAnswer(of.error, names.answer, flag, expected.flag),
    expired: of.expired === undefined ? null : ofAnswer(of.expired, names.answer, flag, expected.flag),
  }
  const keyOf = rowId(id)
  // A list is a set: what a row without an id says is what names it, so that rows that moved between pages are seen.
  const idOf = id === null ? (row: unknown) => (row === undefined ? null : fingerprint(row)) : keyOf
  const nextOf = (answer: Answer, url: string, place: string): string | null => {
    if (paging.by === 'link') return nextLink(answer.headers['link'], url)
    if (read.next === null) return null
    const next = read.next(answer, place)
    return paging.by === 'url' ? absolute(next, url) : next
  }
  const strategy = strategyOf(paging, keyOf)
  return {
    // Of one answer with a count of its rows, the count is the better proof: a row that came twice hides another one.
    strategy: paging.by === 'once' && paging.whole && of.total !== undefined ? { ...strategy, proof: 'total' } : strategy,
    endpoint: (name, variables, parent, seen) => ({
      name,
      pageSize: of.pageSize ?? config.pageSize,
      idOf,
      async ask(request, place): Promise<PageAnswer> {
        const url = addressOf(api, of, variables, request, place)
        const answer = await api.send({ method: 'GET', url }, place)
        seen?.(answer)
        if (read.expired?.(answer, place) === true) throw new ExpiredCursor(place)
        good(answer, place)
        if (read.error?.(answer, place) === true) throw new ConnectError('transient', `the application answered ${answer.status} with an error inside`, place)
        const rows = read.rows(answer, place).map((row): DeclaredRow => ({ row, parent }))
        return { rows, total: read.total?.(answer, place) ?? null, start: read.start?.(answer, place) ?? null, next: nextOf(answer, url, place) }
      },
    }),
  }
}

function addressOf(api: Api, of: RestList, variables: Readonly<Record<string, string>>, request: PageRequest, place: string): string {
  if (request.url !== null) return api.own(request.url, place)
  const own = new URL(api.url(of.path, of.query, variables))
  for (const [name, value] of Object.entries(request.parameters)) own.searchParams.set(name, value)
  return own.href
}

/** Null where a row has no readable id: such a row is never taken for another one. */
function rowId(id: string | null): (row: unknown) => string | null {
  if (id === null) return () => null
  const parsed: Expression = parseExpression(id, names.row)
  return (row) => {
    if (typeof row !== 'object' || row === null) return null
    try {
      return text(parsed.evaluate({ ...(row as DeclaredRow), item: null })) ?? null
    } catch (error) {
      if (error instanceof ExpressionError) return null
      throw error
    }
  }
}

/** What names a row of a stream: as it says, or as its map does. Null where neither says it. */
export const idOfStream = ({ id, map }: RestStream): string | null => id ?? idOfMap(map)

/** What names a row of a list, where its map says it: an account's, definition's or credential's id. */
export function idOfMap(map: DeclaredMap): string | null {
  for (const piece of map) {
    if (piece.for === undefined && (piece.piece === 'account' || piece.piece === 'definition' || piece.piece === 'credential')) return piece.id
  }
  return null
}
