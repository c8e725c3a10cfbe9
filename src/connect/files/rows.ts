/** One row of a file: property or column name to value. Values of CSV are text. */
export interface FileRow {
  line: number
  values: Readonly<Record<string, unknown>>
}

/** A row that the file does not hold whole. `values`: what of it could be read, null where even its columns are in doubt. */
export interface FileReject {
  line: number
  code: 'encoding' | 'nul' | 'columns' | 'quotes' | 'json' | 'too-large'
  reason: string
  place: string
  /** masked */
  payload: string
  /** fingerprint of the row as it was */
  print: string
  values: Readonly<Record<string, unknown>> | null
}

export interface FilePage {
  rows: FileRow[]
  rejected: FileReject[]
  place: string
  /** rows that manifest or trailer declare, where known by now */
  total: number | null
  /** rows before this page */
  start: number
}

const pageRows = 500
const pageBytes = 4 * 2 ** 20

/** A value or line above this is refused: it is no entitlement data. */
export const maxRecordBytes = 64 * 2 ** 20

/** Gathers rows into pages with the lines that they came from. */
export class PageBuilder {
  readonly #name: string
  #rows: FileRow[] = []
  #rejected: FileReject[] = []
  #firstLine = 0
  #lastLine = 0
  #bytes = 0
  #before = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Rows told so far, rejected ones included. */
  get count(): number {
    return this.#before + this.#rows.length + this.#rejected.length
  }

  row(row: FileRow, lastLine: number, bytes: number): void {
    this.#rows.push(row)
    this.#extend(row.line, lastLine, bytes)
  }

  reject(reject: FileReject, lastLine: number): void {
    this.#rejected.push(reject)
    this.#extend(reject.line, lastLine, 0)
  }

  get full(): boolean {
    return this.#rows.length + this.#rejected.length >= pageRows || this.#bytes >= pageBytes
  }

  take(total: number | null): FilePage {
    const place = this.#firstLine === 0 ? `${this.#name} end` : `${this.#name} line ${this.#firstLine}-${this.#lastLine}`
    const page = { rows: this.#rows, rejected: this.#rejected, place, total, start: this.#before }
    this.#before = this.count
    this.#rows = []
    this.#rejected = []
    this.#firstLine = 0
    this.#bytes = 0
    return page
  }

  #extend(line: number, lastLine: number, bytes: number): void {
    if (this.#firstLine === 0) this.#firstLine = line
    this.#lastLine = lastLine
    this.#bytes += bytes
  }
}

/** Rows that a file's own last line declares: `# rows: 1234`. */
export function trailerRows(text: string): number | null {
  const match = /^# rows: (\d{1,15})$/.exec(text.trim())
  return match === null ? null : Number(match[1])
}
