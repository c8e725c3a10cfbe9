import { ConnectError, type Page, type Rejected, type Stream } from '../../ports/connector.ts'
import { fingerprint } from '../fingerprint.ts'

/** One list of an application, as a paging strategy sees it: how to ask for a page and what the answer says. */
export interface Endpoint {
  /** for places: Users */
  readonly name: string
  /** rows asked for with each page; a source may give fewer */
  readonly pageSize: number
  /** One request. Throws ConnectError; ExpiredCursor where the source no longer knows the position. */
  ask(request: PageRequest, place: string): Promise<Answer>
  /** What names a row within the list: its native id. Null where none can be read; such a row is never taken for another one. */
  idOf(row: unknown): string | null
  /** Rows are events, of which equal ones may follow: in a chain, which its cursors end, they are no sign of a circle. Absent: they are a set. */
  readonly events?: boolean
}

export interface PageRequest {
  /** query parameters that say which page, besides the list's own */
  parameters: Readonly<Record<string, string>>
  /** instead of them: an address that the source itself gave, absolute */
  url: string | null
}

export interface Answer {
  rows: readonly unknown[]
  /** the source's own count of all rows, where it gives one */
  total: number | null
  /** position of the first row, counted from 0, where the source says it */
  start: number | null
  /** cursor or absolute address of the next page; null: the source names none */
  next: string | null
  rejected?: readonly Rejected[]
}

/** One way to walk a list. Pages end only where the source says so: a short page is no end. */
export interface Strategy {
  /** what a walk to the end proves, by the words of the port */
  readonly proof: Stream['proof']
  /** `from`: the `resume` of an earlier page of the same list; null begins at the beginning. */
  walk(endpoint: Endpoint, from: string | null): AsyncGenerator<Page>
}

/** The source no longer knows where the walk was: what was read stays true, but the walk has to begin again. */
export class ExpiredCursor extends ConnectError {
  override name = 'ExpiredCursor'
  constructor(place: string, detail = 'the source no longer knows the cursor') {
    super('partial', `${detail}; if it expires again, ask for larger pages or use another paging`, place)
  }
}

/** A source may count too few of its rows, and all are read then; this many pages past its count are taken for an endless list. */
const maxPagesPast = 100

/** Signs of a walk that turns in a circle. Keeps a few bytes a page, not its rows. */
export class Progress {
  readonly #idOf: Endpoint['idOf']
  readonly #pages = new Set<string>()
  #past = 0

  constructor({ idOf }: Pick<Endpoint, 'idOf'>) {
    this.#idOf = idOf
  }

  /**
   * True where a page holds the rows of an earlier one, in whatever order. Rows without an id are known by what they say: a list is a set,
   * so two pages that say the same are one page that came twice.
   */
  repeats(rows: readonly unknown[]): boolean {
    if (rows.length === 0) return false
    const sign = fingerprint(rows.map((row) => this.#idOf(row) ?? fingerprint(row)).sort())
    if (this.#pages.has(sign)) return true
    this.#pages.add(sign)
    return false
  }

  /**
   * Throws where a page gets no further. Only an empty page ends a walk by number or position, and a source that ignores `parameter` gives
   * none. `read`: rows so far. A repeated page is a loss though as many rows came as the source counts: a count of the page looks the same.
   */
  advance({ rows, rejected = [], total }: Answer, read: number, parameter: string, place: string): void {
    if (this.repeats([...rows, ...rejected.map(({ payload }) => payload)])) {
      const remedy = 'set its paging to another kind, or to { by: once, whole: true } where one answer is known to hold everything'
      throw new ConnectError('partial', `the rows of an earlier page came again: the list ignores ${parameter} or repeats itself; ${remedy}`, place)
    }
    if (total === null || read <= total) return
    this.#past += 1
    if (this.#past > maxPagesPast && read > 2 * total) {
      throw new ConnectError('partial', `${read} rows were read of ${total} that the source counts, and there is no end; set its paging to another kind`, place)
    }
  }
}

/** A `resume` of one strategy read back; throws ExpiredCursor where it is not one that it wrote: the walk begins again. */
export function resumeOf<T>(schema: { safeParse(value: unknown): { data?: T } }, text: string, name: string): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  const { data } = schema.safeParse(value)
  if (data === undefined) throw new ExpiredCursor(name, 'the position to go on from is not one that this paging wrote')
  return data
}

/** For a stream's `sized`: how many rows the first page of a walk holds. */
export async function rowsOfFirstPage(strategy: Strategy, endpoint: Endpoint): Promise<number> {
  for await (const page of strategy.walk(endpoint, null)) return page.rows.length
  return 0
}
