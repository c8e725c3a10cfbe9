import { z } from 'zod'
import { compileMap, classesOfMap, type DeclaredRow } from '../../src/connect/declared/mapping.ts'
import { ExpressionError, parseExpression } from '../../src/connect/declared/expression.ts'
import { Ledger } from '../../src/connect/ledger.ts'
import { rowsOfFirstPage } from '../../src/connect/paging/endpoint.ts'
import { behind, endingWith } from '../../src/connect/paging/in-turn.ts'
import { ConnectError, type ErrorClass, type Page, type Stream } from '../../src/ports/connector.ts'
import { type Api, text } from './api.ts'
import type { RestConfig, RestStream } from './config.ts'
import { type List, declaredList, idOfStream } from './list.ts'

/** Keys of the rows of a stream that others are read for, as its last read found them. */
interface Parents {
  readonly proof: Stream['proof']
  keys: Set<string>
  /** why keys may be missing; null where all are here */
  loss: string | null
  /** this session read the stream from its beginning */
  isRead: boolean
  /** reads it for its keys alone */
  read(): Promise<void>
}

/** The declared streams, in their order. A session reads them one after another; a child stream rests on its parent's last read. */
export function streamsOf(api: Api, config: RestConfig): Stream[] {
  const parents = new Map<string, Parents>()
  return config.streams.map((stream) => {
    const list = declaredList(api, config, stream, idOfStream(stream))
    const children = config.streams.filter(({ each }) => each?.of === stream.name)
    const of = stream.each === undefined ? null : parents.get(stream.each.of)!
    const proof = of === null ? list.strategy.proof : of.proof === 'none' || list.strategy.proof === 'none' ? 'none' : 'cursor'
    const walk = of === null
      ? (from?: string) => list.strategy.walk(list.endpoint(stream.name, {}, null), from ?? null)
      : (from?: string) => walkEach(stream, list, of, from ?? null)
    let pages: Stream['pages'] = walk
    if (children.length > 0) {
      const own: Parents = {
        proof, keys: new Set(), loss: null, isRead: false,
        async read() {
          for await (const _ of pages());
        },
      }
      parents.set(stream.name, own)
      pages = (from) => collecting(walk(from), own, stream, children[0]!.each!.key, from === undefined)
    }
    const map = compileMap(stream.map)
    return { name: stream.name, classes: classesOfMap(stream.map), proof, pages, ...(of === null && { sized: sizedBy(list, stream) }), map: (row: unknown) => map(row as DeclaredRow) }
  })
}

const sizedBy = (list: List, { name }: RestStream) => (rows: number): Promise<number> =>
  rowsOfFirstPage(list.strategy, { ...list.endpoint(name, {}, null), pageSize: rows })

/**
 * Passes pages on and keeps the key of every row, with the books that say whether all were here. `whole`: from the beginning; of what an
 * earlier process began the keys are read again.
 */
async function* collecting(pages: AsyncIterable<Page>, into: Parents, stream: RestStream, keySource: string, whole: boolean): AsyncGenerator<Page> {
  const key = parseExpression(keySource, ['row'])
  const ledger = new Ledger(into.proof)
  into.keys = new Set()
  into.loss = 'its read did not come to its end'
  into.isRead = whole
  let without: string | null = null
  for await (const page of pages) {
    for (const [at, { row }] of (page.rows as readonly DeclaredRow[]).entries()) {
      const own = keyOf(key, row)
      if (own === null) without ??= `${page.place}, row ${at + 1} has no key`
      else into.keys.add(own)
    }
    enter(ledger, page)
    yield page
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

/** Where a child stream can be gone on with: behind this parent, and the loss that was met before. */
const EachPoint = z.strictObject({ after: z.string(), loss: z.strictObject({ class: z.string(), message: z.string(), place: z.string() }).nullable() })

/**
 * One list for each parent, one after another, in the order of their keys. Each has books of its own; the first that can't be closed is
 * told at the end, when what the others hold was read. `from`: the `resume` of a page.
 */
async function* walkEach(stream: RestStream, list: List, of: Parents, from: string | null): AsyncGenerator<Page> {
  const point = from === null ? null : EachPoint.parse(JSON.parse(from))
  if (!of.isRead) await of.read()
  const before = point?.loss ?? null
  let loss = before === null ? null : new ConnectError(before.class as ErrorClass, before.message, before.place)
  if (of.loss !== null) loss ??= new ConnectError('partial', `its parents are not all known: ${of.loss}`, stream.name)
  for (const key of behind(of.keys, point?.after ?? null)) {
    const name = `${stream.name} of ${key}`
    const ledger = new Ledger(list.strategy.proof)
    async function* own(): AsyncGenerator<Page> {
      for await (const page of list.strategy.walk(list.endpoint(name, { parent: key }, key), null)) {
        enter(ledger, page)
        yield { ...page, total: null, start: null }
      }
      const { verdict, reason, place } = ledger.close()
      if (verdict === 'partial') loss ??= new ConnectError('partial', `${name}: ${reason}`, place ?? name)
    }
    try {
      yield* endingWith(own(), () => pointAfter(key, loss))
    } catch (error) {
      if (!(error instanceof ConnectError) || !ownOf.has(error.class)) throw error
      loss ??= new ConnectError(error.class, `${name}: ${error.message}`, error.place)
    }
  }
  if (loss !== null) throw loss
}

const pointAfter = (after: string, loss: ConnectError | null): string =>
  JSON.stringify({ after, loss: loss === null ? null : { class: loss.class, message: loss.message, place: loss.place } } satisfies z.infer<typeof EachPoint>)

/** What concerns one parent only; anything else ends the stream: it would meet every parent. */
const ownOf = new Set(['partial', 'schema', 'not-found', 'conflict', 'permission', 'transient'])

/** Rows that repeat are told by the stream's own ledger; here it is counts and positions that matter. */
function enter(ledger: Ledger, page: Page): void {
  const { place, rows, total, start } = page
  ledger.page({ place, rows: rows.length, rejected: page.rejected?.length ?? 0, total, start, digest: place })
}
