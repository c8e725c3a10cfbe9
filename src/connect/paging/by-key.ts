import { ConnectError, type Page } from '../../ports/connector.ts'
import { type Endpoint, Progress, type Strategy } from './endpoint.ts'

interface KeyParameters {
  /** parameter that asks for rows behind this key */
  after: string
  /** parameter that holds how many rows are asked for; null where the source takes none */
  count: string | null
  /** what the first page is asked with; null leaves the parameter out */
  first: string | null
  /** how the source orders keys; `opaque`: by a collation that can't be checked here */
  order: 'number' | 'text' | 'opaque'
  /** Key of a row, unique and unchanging. Null where none can be read. */
  keyOf: (row: unknown) => string | null
}

/**
 * Pages by the last key read (keyset, seek), until one is empty. Nothing shifts under such a walk: created and deleted rows move no
 * other. It rests on a source that sorts by the key and honours it, so keys that don't rise, or a page that came before, are losses.
 */
export const byKey = (parameters: KeyParameters): Strategy => ({
  proof: 'cursor',
  walk: (endpoint, from) => walk(endpoint, parameters, from),
})

async function* walk(endpoint: Endpoint, parameters: KeyParameters, from: string | null): AsyncGenerator<Page> {
  const { after, count, first, order, keyOf } = parameters
  const progress = new Progress(endpoint)
  let key = from
  for (let number = 1; ; number++) {
    const place = `${endpoint.name} page ${number} (${after}=${key ?? 'the beginning'})`
    const position = key ?? first
    const asked = { ...(position !== null && { [after]: position }), ...(count !== null && { [count]: String(endpoint.pageSize) }) }
    const { rows, total, rejected = [] } = await endpoint.ask({ parameters: asked, url: null }, place)
    const keys = rows.map(keyOf)
    const last: string | null = keys.at(-1) ?? key
    yield { rows, place, rejected, total, start: null, resume: last }
    if (rows.length === 0) {
      if (rejected.length === 0) return
      throw new ConnectError('partial', 'no row of the page could be read, so there is no key to go on from', place)
    }
    if (keys.at(-1) === null) throw new ConnectError('partial', 'the last row of the page has no key to go on from', place)
    const fallen = keys.find((own, at) => !rises(at === 0 ? key : (keys[at - 1] ?? null), own, order))
    if (fallen !== undefined || progress.repeats(rows)) {
      throw new ConnectError('partial', `the source does not give rows in the order of a unique key, or ignores ${after}; use another paging`, place)
    }
    key = last
  }
}

function rises(before: string | null, key: string | null, order: KeyParameters['order']): boolean {
  if (before === null || key === null) return true
  if (order === 'opaque') return before !== key
  return order === 'number' ? Number(before) < Number(key) : before < key
}
