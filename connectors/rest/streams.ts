import { compileMap, classesOfMap, type DeclaredRow } from '../../src/connect/declared/mapping.ts'
import { ExpressionError, parseExpression } from '../../src/connect/declared/expression.ts'
import { Ledger } from '../../src/connect/ledger.ts'
import { rowsOfFirstPage } from '../../src/connect/paging/endpoint.ts'
import { ConnectError, type Page, type Stream } from '../../src/ports/connector.ts'
import { type Api, text } from './api.ts'
import type { RestConfig, RestStream } from './config.ts'
import { type List, declaredList, idOfMap } from './list.ts'

/** Keys of the rows of a stream that others are read for, as its last read found them. */
interface Parents {
  readonly proof: Stream['proof']
  keys: Set<string>
  /** why keys may be missing; null where all are here */
  loss: string | null
}

/** The declared streams, in their order. A session reads them one after another; a child stream rests on its parent's last read. */
export function streamsOf(api: Api, config: RestConfig): Stream[] {
  const parents = new Map<string, Parents>()
  return config.streams.map((stream) => {
    const list = declaredList(api, config, stream, stream.id ?? idOfMap(stream.map))
    const children = config.streams.filter(({ each }) => each?.of === stream.name)
    const of = stream.each === undefined ? null : parents.get(stream.each.of)!
    const proof = of === null ? list.strategy.proof : of.proof === 'none' || list.strategy.proof === 'none' ? 'none' : 'cursor'
    let pages = of === null
      ? (from?: string) => list.strategy.walk(list.endpoint(stream.name, {}, null), from ?? null)
      : () => walkEach(stream, list, of)
    if (children.length > 0) {
      const own: Parents = { proof, keys: new Set(), loss: 'it was not read' }
      parents.set(stream.name, own)
      const walk = pages
      // Without `resume`: keys of pages that an earlier process read would be missing here.
      pages = () => collecting(walk(), own, stream, children[0]!.each!.key)
    }
    const map = compileMap(stream.map)
    return { name: stream.name, classes: classesOfMap(stream.map), proof, pages, ...(of === null && { sized: sizedBy(list, stream) }), map: (row: unknown) => map(row as DeclaredRow) }
  })
}

const sizedBy = (list: List, { name }: RestStream) => (rows: number): Promise<number> =>
  rowsOfFirstPage(list.strategy, { ...list.endpoint(name, {}, null), pageSize: rows })

/** Passes pages on and keeps the key of every row, with the books that say whether all were here. */
async function* collecting(pages: AsyncIterable<Page>, into: Parents, stream: RestStream, keySource: string): AsyncGenerator<Page> {
  const key = parseExpression(keySource, ['row'])
  const ledger = new Ledger(into.proof)
  into.keys = new Set()
  into.loss = 'its read did not come to its end'
  let without: string | null = null
  for await (const page of pages) {
    for (const [at, { row }] of (page.rows as readonly DeclaredRow[]).entries()) {
      const own = keyOf(key, row)
      if (own === null) without ??= `${page.place}, row ${at + 1} has no key`
      else into.keys.add(own)
    }
    enter(ledger, page)
    yield { ...page, resume: null }
  }
  const verdict = ledger.close()
  into.loss = without ?? (verdict.verdict === 'partial' ? `${stream.name}: ${verdict.reason} (${verdict.place})` : null)
}

function keyOf(key: ReturnType<typeof parseExpression>, row: unknown): string | null {
  try {
    return text(key.evaluate({ row })) ?? null
  } catch (error) {
    if (error instanceof ExpressionError) return null
    throw error
  }
}

/**
 * One list for each parent, one after another. Each has books of its own; the first that can't be closed is told at the end, when
 * what the others hold was read.
 */
async function* walkEach(stream: RestStream, list: List, of: Parents): AsyncGenerator<Page> {
  let loss: ConnectError | null = of.loss === null ? null : new ConnectError('partial', `its parents are not all known: ${of.loss}`, stream.name)
  for (const key of of.keys) {
    const name = `${stream.name} of ${key}`
    const ledger = new Ledger(list.strategy.proof)
    try {
      for await (const page of list.strategy.walk(list.endpoint(name, { parent: key }, key), null)) {
        enter(ledger, page)
        yield { ...page, total: null, start: null, resume: null }
      }
    } catch (error) {
      if (!(error instanceof ConnectError) || !ownOf.has(error.class)) throw error
      loss ??= new ConnectError(error.class, `${name}: ${error.message}`, error.place)
    }
    const { verdict, reason, place } = ledger.close()
    if (verdict === 'partial') loss ??= new ConnectError('partial', `${name}: ${reason}`, place ?? name)
  }
  if (loss !== null) throw loss
}

/** What concerns one parent only; anything else ends the stream: it would meet every parent. */
const ownOf = new Set(['partial', 'schema', 'not-found', 'conflict', 'permission', 'transient'])

/** Rows that repeat are told by the stream's own ledger; here it is counts and positions that matter. */
function enter(ledger: Ledger, page: Page): void {
  const { place, rows, total, start } = page
  ledger.page({ place, rows: rows.length, rejected: page.rejected?.length ?? 0, total, start, digest: place })
}
