import { z } from 'zod'
import type { Verdict } from '../../schemas/wire/common.ts'
import type { ErrorClass, Stream } from '../ports/connector.ts'

/** What one page showed, without its content. `rows` counts what the source delivered, `rejected` what it could not. */
export interface PageEvidence {
  place: string
  rows: number
  rejected: number
  total: number | null
  start: number | null
  /** of the page's rows in their order; equal for a page that was delivered again */
  digest: string
}

export interface StreamVerdict {
  verdict: Verdict
  reason: string | null
  place: string | null
  pages: number
  /** rows delivered, rejected ones included */
  read: number
  declared: number | null
  /** the read may be tried once more: rows moved while it ran */
  moved: boolean
}

/** What a successor needs to go on with the books of a read, besides the digests of its pages. */
export const Books = z.strictObject({
  trouble: z.strictObject({ reason: z.string(), place: z.string(), moved: z.boolean() }).nullable(),
  /** of the totals that the source gave */
  totals: z.strictObject({ first: z.number(), last: z.number(), least: z.number(), moved: z.number().nullable() }).nullable(),
  lastPlace: z.string().nullable(),
  emptyPlace: z.string().nullable(),
  /** position that the next page should begin at */
  next: z.number().nullable(),
  pages: z.int(),
  read: z.int(),
  repeated: z.int(),
})
export type Books = z.infer<typeof Books>

const empty: Books = { trouble: null, totals: null, lastPlace: null, emptyPlace: null, next: null, pages: 0, read: 0, repeated: 0 }

/**
 * The books of one stream's read: every page is entered as it comes, `close` says what the pages prove. Pure.
 *
 * `complete` needs a proof of the stream's own kind and no sign of a loss; `partial` names the first sign and its place; `unknown`
 * means that nothing was seen to be lost and nothing proves that nothing was.
 */
export class Ledger {
  readonly #proof: Stream['proof']
  readonly #digests: Set<string>
  readonly #books: Books

  /** `books` and `digests`: of a read that is gone on with. */
  constructor(proof: Stream['proof'], books: Books = empty, digests: Iterable<string> = []) {
    this.#proof = proof
    this.#books = structuredClone(books)
    this.#digests = new Set(digests)
  }

  get books(): Books {
    return structuredClone(this.#books)
  }

  page(page: PageEvidence): void {
    const size = page.rows + page.rejected
    if (size > 0) {
      this.#checkOrder(page)
      this.#checkRepeat(page)
      if (this.#books.emptyPlace !== null && (this.#proof === 'total' || this.#proof === 'none')) {
        this.#note(`the source answered an empty page at ${this.#books.emptyPlace} and then went on`, page.place)
      }
    } else {
      this.#books.emptyPlace ??= page.place
    }
    if (page.total !== null) this.#count(page.total)
    if (page.start !== null) this.#books.next = page.start + size
    else if (this.#books.next !== null) this.#books.next += size
    this.#books.pages += 1
    this.#books.read += size
    this.#books.lastPlace = page.place
  }

  /** A row came twice with equal content: under a count, another row took its place in the books; in a chain it counts once. */
  overlap(place: string): void {
    this.#books.repeated += 1
    if (this.#proof === 'total') this.#note('a row was delivered twice: rows moved while they were read', place, true)
  }

  /** A loss that the reader of the rows found: a rejected row without an id, an object told in two ways. */
  loss(reason: string, place: string): void {
    this.#note(reason, place)
  }

  /** The stream threw; what came before stays read. */
  failed(errorClass: ErrorClass, message: string, place: string): void {
    this.#books.trouble = { reason: `${errorClass}: ${message}`, place, moved: false }
  }

  close(): StreamVerdict {
    this.#checkTotals()
    const books = { pages: this.#books.pages, read: this.#books.read, declared: this.#books.totals?.last ?? null }
    if (this.#books.trouble !== null) return { verdict: 'partial', ...this.#books.trouble, ...books }
    const unknown = (reason: string): StreamVerdict => ({ verdict: 'unknown', reason, place: null, moved: false, ...books })
    if (this.#proof === 'none') return unknown('the source offers no proof that nothing is missing')
    if (this.#proof === 'total' && this.#books.totals === null) return unknown('the source gave no total')
    if (this.#books.pages === 0 && this.#proof !== 'transaction' && this.#proof !== 'manifest') return unknown('the source gave no page')
    return { verdict: 'complete', reason: null, place: null, moved: false, ...books }
  }

  #checkOrder(page: PageEvidence): void {
    if (page.start === null) return
    if (this.#books.next === null) {
      if (this.#books.pages === 0 && page.start > 1) this.#note(`the first page begins at row ${page.start}: rows before it are missing`, page.place)
      return
    }
    if (page.start > this.#books.next) this.#note(`gap: rows ${this.#books.next} to ${page.start - 1} are missing`, page.place)
    if (page.start < this.#books.next) this.#note(`overlap: row ${page.start} was expected to be row ${this.#books.next}`, page.place, true)
  }

  #checkRepeat(page: PageEvidence): void {
    if (this.#proof === 'transaction' || this.#proof === 'manifest') return
    if (this.#digests.has(page.digest)) this.#note('the page repeats an earlier one', page.place, true)
    this.#digests.add(page.digest)
  }

  #count(total: number): void {
    const known = this.#books.totals
    if (known === null) this.#books.totals = { first: total, last: total, least: total, moved: null }
    else Object.assign(known, { last: total, least: Math.min(known.least, total), moved: known.moved ?? (total === known.first ? null : total) })
  }

  #checkTotals(): void {
    const { totals, read } = this.#books
    if (totals === null) return
    const { first, last, least, moved } = totals
    const place = this.#books.lastPlace ?? ''
    if (this.#proof === 'cursor') {
      // A chain stays whole while the source's count moves, but not below the least that the source ever counted. A count that falls to
      // nothing behind rows that were read is no count of that list, so an end that came with it ends nothing.
      const distinct = read - this.#books.repeated
      if (distinct < least) this.#note(`the source counts ${least} rows, ${distinct} different ones were read`, place)
      else if ((moved === null || last === 0) && distinct > last) this.#note(`the source counts ${last} rows, ${distinct} were read`, place, true)
    } else if (moved !== null) {
      this.#note(`the source's total moved from ${first} to ${moved} during the read`, place, true)
    } else if (read !== last) {
      this.#note(`the source counts ${last} rows, ${read} were read`, place, read > last)
    }
  }

  #note(reason: string, place: string, moved = false): void {
    this.#books.trouble ??= { reason, place, moved }
  }
}
