import { createHash } from 'node:crypto'
import { z } from 'zod'
import { reach } from '../core/fault.ts'
import type { ConnectError, Mapped, ObservedClass, Page, Stream } from '../ports/connector.ts'
import { actions } from './actions.ts'
import { type Rejection, asConnectError, asRejection } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import { Books, Ledger, type StreamVerdict } from './ledger.ts'
import type { LetterContent } from './letters.ts'
import { maskRow } from './mask.ts'
import { accountOf, checkPieces } from './pieces.ts'
import { type Shape, type ShapeChange, ShapeLearner } from './shape.ts'
import { isMaskedName, withoutSecrets } from './secret-like.ts'
import type { Spool } from './spool.ts'

export const families = { definition: 'definition', account: 'account', letter: 'letter' } as const

/** In the account family: a row about this account was rejected. */
const rejectedMark = JSON.stringify({ piece: 'rejected' })

/** Where a read of a stream can be gone on with, after a page that said how. */
export const StreamPoint = z.strictObject({
  resume: z.string(), books: Books, asOf: z.number(), rejected: z.int(), letters: z.int(), place: z.string(),
})
export type StreamPoint = z.infer<typeof StreamPoint>

export interface ReadTarget {
  spool: Spool
  signal: AbortSignal
  /** Rule of the application: native account id -> canonical id. */
  canonical(native: string): string
  /** Taken before each page is asked for: what is read can't be older. */
  stamp(): number
  /** What the rows of a stream looked like in the last complete read; undefined: nothing is known. */
  shapeOf(stream: string): Shape | undefined
  /** Keeps what was read so far, and where to go on; absent where the run can't be gone on with. */
  save?: (point: StreamPoint) => void
  /** Taken before the session was opened: what a `transaction` stream shows is as of then. */
  opened: number
}

export interface StreamOutcome extends StreamVerdict {
  name: string
  classes: readonly ObservedClass[]
  rejected: number
  /** nothing that the stream showed is older than this, µs */
  asOf: number
  error: ConnectError | null
  /** what its rows look like; null without rows */
  shape: Shape | null
  /** how that differs from what was known */
  shapeChanges: ShapeChange[]
}

/**
 * Reads a stream to its end into the spool. Where rows moved under a count, or the paging broke (`reset-paging`), it is read once more
 * from its beginning. `from`: where an earlier process was. Rejects only on abort.
 */
export async function readStream(stream: Stream, index: number, target: ReadTarget, from: StreamPoint | null = null): Promise<StreamOutcome> {
  const first = await new StreamRead(stream, index, target, from).run()
  const moved = first.moved && stream.proof === 'total'
  const broken = first.error !== null && actions[first.error.class].first === 'reset-paging'
  if (!moved && !broken) return first
  target.spool.dropStream(index)
  return await new StreamRead(stream, index, target).run()
}

/** What is said of a stream that is not even asked for, since the run was stopped by `error`. */
export function unread(stream: Stream, error: ConnectError, opened: number): StreamOutcome {
  const ledger = new Ledger(stream.proof)
  ledger.failed(error.class, `not asked for: ${error.message}`, error.place)
  return { name: stream.name, classes: stream.classes, rejected: 0, asOf: opened, error, shape: null, shapeChanges: [], ...ledger.close() }
}

class StreamRead {
  readonly #stream: Stream
  readonly #index: number
  readonly #target: ReadTarget
  readonly #ledger: Ledger
  readonly #shape = new ShapeLearner()
  #asOf: number | null = null
  #stamp = 0
  #toldSecret = false
  #rejected = 0
  #letters = 0
  #place: string

  readonly #from: StreamPoint | null

  constructor(stream: Stream, index: number, target: ReadTarget, from: StreamPoint | null = null) {
    this.#stream = stream
    this.#index = index
    this.#target = target
    this.#from = from
    this.#ledger = from === null ? new Ledger(stream.proof) : new Ledger(stream.proof, from.books, target.spool.pagesOf(index))
    this.#asOf = from?.asOf ?? null
    this.#rejected = from?.rejected ?? 0
    this.#letters = from?.letters ?? 0
    this.#place = from?.place ?? stream.name
  }

  async run(): Promise<StreamOutcome> {
    let error: ConnectError | null = null
    try {
      await this.#readPages()
    } catch (thrown) {
      this.#target.signal.throwIfAborted()
      error = asConnectError(thrown, `${this.#stream.name} after ${this.#place}`)
      this.#ledger.failed(error.class, error.message, error.place)
    }
    const known = this.#target.shapeOf(this.#stream.name)
    return {
      name: this.#stream.name,
      classes: this.#stream.classes,
      // Of a read that was gone on with only the end was seen.
      shape: this.#from === null ? this.#shape.shape : null,
      shapeChanges: known === undefined || error !== null || this.#from !== null ? [] : this.#shape.changesFrom(known, this.#stream.name),
      rejected: this.#rejected,
      asOf: this.#asOf ?? this.#target.opened,
      error,
      ...this.#ledger.close(),
    }
  }

  async #readPages(): Promise<void> {
    const pages = this.#stream.pages(this.#from?.resume)[Symbol.asyncIterator]()
    let done = false
    try {
      for (;;) {
        this.#target.signal.throwIfAborted()
        reach('connect.before-page')
        this.#stamp = this.#stream.proof === 'transaction' ? this.#target.opened : this.#target.stamp()
        this.#asOf ??= this.#stamp
        const next = await pages.next()
        if (next.done === true) {
          done = true
          return
        }
        reach('connect.after-page')
        this.#enter(next.value)
      }
    } finally {
      if (!done) await pages.return?.()
    }
  }

  #enter(page: Page): void {
    this.#place = page.place
    const fingerprints = this.#needsFingerprints() ? page.rows.map(fingerprint) : []
    const digest = createHash('sha256').update(fingerprints.join('\n')).digest('base64')
    this.#ledger.page({
      place: page.place,
      rows: page.rows.length,
      rejected: page.rejected?.length ?? 0,
      total: page.total,
      start: page.start,
      digest,
    })
    for (const [at, row] of page.rows.entries()) {
      const place = `${page.place}, row ${at + 1}`
      const print = fingerprints[at]
      if (print !== undefined && this.#stream.proof !== 'none' && this.#target.spool.repeats(this.#index, print)) {
        this.#ledger.overlap(place)
      }
      this.#map(row, place)
    }
    for (const { id, code, reason, place, payload, print } of page.rejected ?? []) {
      this.#reject(id, { stage: 'read', code, reason, place, record: id, payload: maskRow(payload), ...(print === undefined ? {} : { print }) })
    }
    this.#save(page, digest)
  }

  #save({ resume = null, place }: Page, digest: string): void {
    const { save, spool } = this.#target
    if (save === undefined) return
    spool.keepPage(this.#index, digest)
    if (resume === null) return
    save({ resume, books: this.#ledger.books, asOf: this.#asOf ?? this.#target.opened, rejected: this.#rejected, letters: this.#letters, place })
  }

  /** A transaction and a file with a manifest may hold equal rows; elsewhere equal rows mean that pages overlap. */
  #needsFingerprints(): boolean {
    return this.#stream.proof !== 'transaction' && this.#stream.proof !== 'manifest'
  }

  #map(row: unknown, place: string): void {
    let pieces: Mapped[]
    let objects: string[]
    this.#shape.add(row, place)
    try {
      this.#stream.shape?.parse(row)
      pieces = withoutSecrets(checkPieces(this.#stream.map(row)))
      if (pieces.some(isMaskedName)) this.#tellSecret(place)
      objects = pieces.map((piece) => this.#objectOf(piece))
    } catch (error) {
      const { code, reason, id }: Rejection = asRejection(error)
      this.#reject(id, { stage: 'map', code, reason, place, record: id, payload: maskRow(row), print: fingerprint(row) })
      return
    }
    for (const [at, piece] of pieces.entries()) {
      const native = accountOf(piece)
      this.#put(native === null ? families.definition : families.account, objects[at]!, native ?? '', place, JSON.stringify(piece))
    }
  }

  /** Once: a column of secrets is one problem. The row itself is as good as any. */
  #tellSecret(place: string): void {
    if (this.#toldSecret) return
    this.#toldSecret = true
    this.#letter({
      stage: 'map', code: 'secret-like', place, record: null, payload: '', print: '',
      reason: 'the name of a definition holds what looks like a secret: it was masked; take it out of the mapping, and the secret out of the application',
    })
  }

  #objectOf(piece: Mapped): string {
    const account = accountOf(piece)
    if (account !== null) return this.#target.canonical(account)
    const ref = piece.piece === 'child' ? piece.parent : piece.piece === 'definition' ? piece.ref : null
    return ref === null ? '' : `${ref.kind}:${ref.id}`
  }

  /**
   * A rejected row of an account counts as seen. Without an id, or in a stream that does not list accounts, nobody can say what
   * is missing now: the stream is partial.
   */
  #reject(id: string | null, letter: LetterContent): void {
    this.#rejected += 1
    this.#letter(letter)
    const known = this.#stream.classes.includes('accounts') && id !== null && id !== '' && id.isWellFormed() && !id.includes('\u0000')
    if (known) {
      this.#put(families.account, this.#target.canonical(id), id, letter.place, rejectedMark)
    }
    if (!known || this.#stream.classes.includes('definitions')) {
      this.#ledger.loss(`a row was rejected and what it holds is not known (${letter.reason})`, letter.place)
    }
  }

  /** Equal rows of two streams are two records. */
  #letter({ print, ...rest }: LetterContent): void {
    const letter: LetterContent = print === undefined ? rest : { ...rest, print: `${this.#stream.name} ${print}` }
    this.#put(families.letter, `${this.#index}/${String(this.#letters++).padStart(12, '0')}`, '', letter.place, JSON.stringify(letter))
  }

  #put(family: string, object: string, native: string, place: string, content: string): void {
    this.#target.spool.put({ family, object, native, stream: this.#index, stamp: this.#stamp, place, content })
  }
}
