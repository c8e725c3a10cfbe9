import type { UnknownApp } from '../../../schemas/wire/results.ts'
import { reach } from '../../core/fault.ts'
import type { ConnectError } from '../../ports/connector.ts'
import { asConnectError, asRejection } from '../errors.ts'
import { fingerprint } from '../fingerprint.ts'
import type { FilePage } from '../files/rows.ts'
import { Ledger } from '../ledger.ts'
import type { LetterContent } from '../letters.ts'
import type { Contribution } from '../manifest.ts'
import { maskRow } from '../mask.ts'
import type { Source } from '../source.ts'
import type { Spool } from '../spool.ts'
import { type CanonicalAccount, type Trace, traceOf, traceOfRejected } from './intent.ts'
import { type FeedShape, type TypedRow, parseRow } from './shape.ts'
import { UnknownApps } from './unknown-apps.ts'

export const feedFamilies = { row: 'row', letter: 'letter' } as const

/** What the spool keeps of a row; `row` null: it was rejected. `key` null: broadcast. */
export interface SpooledRow {
  key: string | null
  row: TypedRow | null
}

interface FeedReadOptions {
  source: Source
  shape: FeedShape
  canonical: CanonicalAccount
  /** the applications that the config file has or had */
  apps: ReadonlySet<string>
  spool: Spool
  signal: AbortSignal
}

export interface FeedRead extends Contribution {
  pages: number
  error: ConnectError | null
  unknownApps: UnknownApp[]
}

/** Reads a feed's file to its end into the spool. Rejects only on abort. */
export async function readFeed(pages: AsyncIterable<FilePage>, options: FeedReadOptions): Promise<FeedRead> {
  return await new FeedReader(options).read(pages)
}

class FeedReader {
  readonly #options: FeedReadOptions
  readonly #ledger = new Ledger('manifest')
  readonly #unknownApps: UnknownApps
  #stamp = 0
  #rejected = 0
  #place = 'its beginning'

  constructor(options: FeedReadOptions) {
    this.#options = options
    this.#unknownApps = new UnknownApps(options.apps)
  }

  async read(pages: AsyncIterable<FilePage>): Promise<FeedRead> {
    const { source, signal, shape } = this.#options
    let error: ConnectError | null = null
    try {
      this.#stamp = source.stamp()
      for await (const page of pages) {
        signal.throwIfAborted()
        reach('connect.before-page')
        this.#enter(page)
        reach('connect.after-page')
        this.#stamp = source.stamp()
      }
    } catch (thrown) {
      signal.throwIfAborted()
      error = asConnectError(thrown, `${source.name} after ${this.#place}`)
      this.#ledger.failed(error.class, error.message, error.place)
    }
    return { classes: [shape.class], rejected: this.#rejected, error, unknownApps: this.#unknownApps.list(), ...this.#ledger.close() }
  }

  #enter(page: FilePage): void {
    const { shape, canonical } = this.#options
    const name = page.place.split(' line ')[0] ?? page.place
    this.#place = page.place
    this.#ledger.page({
      place: page.place, rows: page.rows.length, rejected: page.rejected.length, total: page.total, start: page.start, digest: '',
    })
    for (const { line, values } of page.rows) {
      const place = `${name} line ${line}`
      let typed: TypedRow
      let trace: Trace
      try {
        typed = parseRow(values, shape)
        trace = traceOf(typed, canonical)
      } catch (thrown) {
        const { code, reason } = asRejection(thrown)
        this.#reject(traceOfRejected(values, shape, canonical), { stage: 'map', code, reason, place, record: null, payload: maskRow(values), print: fingerprint(values) })
        continue
      }
      this.#unknownApps.add(typed)
      this.#put(trace, place, typed)
    }
    for (const { code, reason, place, payload, print, values } of page.rejected) {
      const trace = values === null ? null : traceOfRejected(values, shape, canonical)
      this.#reject(trace, { stage: 'read', code, reason, place, record: null, payload, print })
    }
  }

  /** A business role may have many rows: a rejected one leaves the role, but not all of it. */
  #reject(trace: Trace | null, letter: LetterContent): void {
    this.#rejected += 1
    const content = JSON.stringify({ ...letter, record: trace?.id ?? null })
    const object = String(this.#rejected).padStart(12, '0')
    this.#options.spool.put({ family: feedFamilies.letter, object, native: '', stream: 0, stamp: this.#stamp, place: letter.place, content })
    if (trace === null) this.#ledger.loss(`a row was rejected and what it is about is not known (${letter.reason})`, letter.place)
    else this.#put(trace, letter.place, null)
  }

  #put({ id, key }: Trace, place: string, row: TypedRow | null): void {
    const content: SpooledRow = { key, row }
    this.#options.spool.put({
      family: feedFamilies.row, object: id, native: id, stream: 0, stamp: this.#stamp, place, content: JSON.stringify(content),
    })
  }
}
