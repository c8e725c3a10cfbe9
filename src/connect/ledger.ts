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

interface Trouble {
  reason: string
  place: string
  moved: boolean
}

/**
 * The books of one stream's read: every page is entered as it comes, `close` says what the pages prove. Pure.
 *
 * `complete` needs a proof of the stream's own kind and no sign of a loss; `partial` names the first sign and its place; `unknown`
 * means that nothing was seen to be lost and nothing proves that nothing was.
 */
export class Ledger {
  readonly #proof: Stream['proof']
  readonly #digests = new Set<string>()
  readonly #totals: number[] = []
  #trouble: Trouble | null = null
  #lastPlace: string | null = null
  #emptyPlace: string | null = null
  #next: number | null = null
  #pages = 0
  #read = 0
  #repeated = 0

  constructor(proof: Stream['proof']) {
    this.#proof = proof
  }

  page(page: PageEvidence): void {
    const size = page.rows + page.rejected
    if (size > 0) {
      this.#checkOrder(page)
      this.#checkRepeat(page)
      if (this.#emptyPlace !== null && (this.#proof === 'total' || this.#proof === 'none')) {
        this.#note(`the source answered an empty page at ${this.#emptyPlace} and then went on`, page.place)
      }
    } else {
      this.#emptyPlace ??= page.place
    }
    if (page.total !== null) this.#totals.push(page.total)
    if (page.start !== null) this.#next = page.start + size
    else if (this.#next !== null) this.#next += size
    this.#pages += 1
    this.#read += size
    this.#lastPlace = page.place
  }

  /** A row came twice with equal content: under a count, another row took its place in the books; in a chain it counts once. */
  overlap(place: string): void {
    this.#repeated += 1
    if (this.#proof === 'total') this.#note('a row was delivered twice: rows moved while they were read', place, true)
  }

  /** A loss that the reader of the rows found: a rejected row without an id, an object told in two ways. */
  loss(reason: string, place: string): void {
    this.#note(reason, place)
  }

  /** The stream threw; what came before stays read. */
  failed(errorClass: ErrorClass, message: string, place: string): void {
    this.#trouble = { reason: `${errorClass}: ${message}`, place, moved: false }
  }

  close(): StreamVerdict {
    this.#checkTotals()
    const books = { pages: this.#pages, read: this.#read, declared: this.#totals.at(-1) ?? null }
    if (this.#trouble !== null) return { verdict: 'partial', ...this.#trouble, ...books }
    const unknown = (reason: string): StreamVerdict => ({ verdict: 'unknown', reason, place: null, moved: false, ...books })
    if (this.#proof === 'none') return unknown('the source offers no proof that nothing is missing')
    if (this.#proof === 'total' && this.#totals.length === 0) return unknown('the source gave no total')
    if (this.#pages === 0 && this.#proof !== 'transaction' && this.#proof !== 'manifest') return unknown('the source gave no page')
    return { verdict: 'complete', reason: null, place: null, moved: false, ...books }
  }

  #checkOrder(page: PageEvidence): void {
    if (page.start === null) return
    if (this.#next === null) {
      if (this.#pages === 0 && page.start > 1) this.#note(`the first page begins at row ${page.start}: rows before it are missing`, page.place)
      return
    }
    if (page.start > this.#next) this.#note(`gap: rows ${this.#next} to ${page.start - 1} are missing`, page.place)
    if (page.start < this.#next) this.#note(`overlap: row ${page.start} was expected to be row ${this.#next}`, page.place, true)
  }

  #checkRepeat(page: PageEvidence): void {
    if (this.#proof === 'transaction' || this.#proof === 'manifest') return
    if (this.#digests.has(page.digest)) this.#note('the page repeats an earlier one', page.place, true)
    this.#digests.add(page.digest)
  }

  #checkTotals(): void {
    const first = this.#totals[0]
    const last = this.#totals.at(-1)
    if (first === undefined || last === undefined) return
    const place = this.#lastPlace ?? ''
    const moved = this.#totals.find((total) => total !== first)
    if (this.#proof === 'cursor') {
      // A chain stays whole while the source's count moves, but not below the least that the source ever counted.
      const least = this.#totals.reduce((least, total) => Math.min(least, total), last)
      const distinct = this.#read - this.#repeated
      if (distinct < least) this.#note(`the source counts ${least} rows, ${distinct} different ones were read`, place)
      else if (moved === undefined && distinct > last) this.#note(`the source counts ${last} rows, ${distinct} were read`, place, true)
    } else if (moved !== undefined) {
      this.#note(`the source's total moved from ${first} to ${moved} during the read`, place, true)
    } else if (this.#read !== last) {
      this.#note(`the source counts ${last} rows, ${this.#read} were read`, place, this.#read > last)
    }
  }

  #note(reason: string, place: string, moved = false): void {
    this.#trouble ??= { reason, place, moved }
  }
}
