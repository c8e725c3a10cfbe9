import { Readable, pipeline } from 'node:stream'
import { type CsvError, type Info, parse } from 'csv-parse'
import { ConnectError } from '../../ports/connector.ts'
import { bytesFingerprint, fingerprint } from '../fingerprint.ts'
import { maskRow } from '../mask.ts'
import { invalidUtf8At } from '../text.ts'
import { FileRead } from './file.ts'
import { type FilePage, type FileReject, PageBuilder, maxRecordBytes, trailerRows } from './rows.ts'

export interface CsvOptions {
  /** one character; default comma */
  delimiter?: string
  /** columns that must be there */
  columns: readonly string[]
  /** absent: a file without one may prove itself */
  needsManifest?: boolean
}

interface RawRecord {
  record: Buffer[]
  info: Info
}

/**
 * Reads a CSV file (RFC 4180, UTF-8, first line names the columns) page by page with flat memory. Rows that can't be believed are
 * in `rejected`. Ends only where the file proved whole; else throws ConnectError, `partial` for a loss.
 */
export async function* readCsv(path: string, options: CsvOptions): AsyncGenerator<FilePage> {
  const file = new FileRead(path, options.needsManifest)
  const reader = new CsvReader(file, options)
  yield* reader.pages()
}

class CsvReader {
  readonly #file: FileRead
  readonly #options: CsvOptions
  readonly #builder: PageBuilder
  #header: string[] | null = null
  #line = 0
  /** last lines of skipped records; the parser tells them before records that came earlier are taken from it */
  #skippedLines: number[] = []
  #unclosed = false
  #trailer: number | null = null

  constructor(file: FileRead, options: CsvOptions) {
    this.#file = file
    this.#options = options
    this.#builder = new PageBuilder(file.name)
  }

  async *pages(): AsyncGenerator<FilePage> {
    // Fields stay bytes: decoded here, so that wrong encoding is found and not replaced.
    const parser = parse({
      encoding: null,
      bom: false,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: maxRecordBytes,
      delimiter: this.#options.delimiter ?? ',',
      on_skip: (error) => this.#skipped(error),
    })
    pipeline(Readable.from(this.#file.bytes(), { objectMode: false }), parser, () => undefined)
    for await (const entry of parser) {
      this.#enter(entry as RawRecord)
      if (this.#builder.full) yield this.#builder.take(this.#file.declaredRows)
    }
    if (this.#header === null) throw new ConnectError('partial', `${this.#file.name} has no header line: it is empty or cut`, `${this.#file.name} line 1`)
    if (this.#unclosed) this.#rejectLine(Math.max(this.#line, ...this.#skippedLines) + 1, 'quotes', 'a quote is opened and never closed')
    yield this.#builder.take(this.#trailer ?? this.#file.declaredRows)
    this.#file.verify(this.#builder.count, this.#trailer)
  }

  #enter({ record, info }: RawRecord): void {
    const line = Math.max(this.#line, ...this.#skippedLines.filter((skipped) => skipped < info.lines)) + 1
    this.#line = info.lines
    this.#skippedLines = this.#skippedLines.filter((skipped) => skipped >= info.lines)
    if (this.#header === null) {
      this.#header = this.#headerOf(record)
      return
    }
    if (this.#trailer !== null) throw new ConnectError('partial', 'rows follow the line that declares their count', `${this.#file.name} line ${line}`)
    if (record.slice(1).every((field) => field.length === 0)) this.#trailer = trailerRows(record[0]?.toString('utf8') ?? '')
    if (this.#trailer !== null) return
    this.#row(record, this.#header, line)
  }

  #row(record: Buffer[], header: string[], line: number): void {
    const place = `${this.#file.name} line ${line}`
    if (record.length !== header.length) {
      const reason = `the row has ${record.length} columns, the header has ${header.length}`
      this.#reject({ line, code: 'columns', reason, place, payload: maskRow(record.map((field) => field.toString('utf8'))), print: bytesFingerprint(record), values: null })
      return
    }
    const values: Record<string, string> = {}
    let trouble: Pick<FileReject, 'code' | 'reason'> | null = null
    let bytes = 0
    for (const [at, name] of header.entries()) {
      const field = record[at]!
      bytes += field.length
      const bad = invalidUtf8At(field)
      if (bad !== null) trouble ??= { code: 'encoding', reason: `column "${name}" is not UTF-8 at byte ${bad + 1} of its value` }
      else if (field.includes(0)) trouble ??= { code: 'nul', reason: `column "${name}" holds a NUL byte` }
      else values[name] = field.toString('utf8')
    }
    if (trouble !== null) this.#reject({ line, ...trouble, place: `${place}, ${trouble.reason}`, payload: maskRow(values), print: bytesFingerprint(record), values })
    else this.#builder.row({ line, values }, this.#line, bytes)
  }

  #headerOf(record: Buffer[]): string[] {
    const place = `${this.#file.name} line 1`
    if (record.some((field) => invalidUtf8At(field) !== null)) throw new ConnectError('schema', `the header of ${this.#file.name} is not UTF-8`, place)
    const header = record.map((field) => field.toString('utf8').trim())
    const twice = header.find((name, at) => header.indexOf(name) !== at)
    if (twice !== undefined) throw new ConnectError('schema', `${this.#file.name} has two columns named "${twice}"`, place)
    const missing = this.#options.columns.filter((name) => !header.includes(name))
    if (missing.length > 0) {
      const has = header.map((name) => `"${name}"`).join(', ')
      throw new ConnectError('schema', `${this.#file.name} has no column "${missing.join('", "')}"; it has ${has.slice(0, 500)}`, place)
    }
    return header
  }

  /**
   * The parser's own message repeats the value, hence only its code is told. After a broken quote it may take the rest of the file
   * for one value: that is told too, as a quote that is never closed.
   */
  #skipped(error: CsvError | undefined): undefined {
    const code = error?.code ?? 'unknown'
    if (code === 'CSV_QUOTE_NOT_CLOSED') {
      this.#unclosed = true
      return
    }
    const line = typeof error?.['lines'] === 'number' ? error['lines'] : this.#line + 1
    this.#skippedLines.push(line)
    if (code === 'CSV_MAX_RECORD_SIZE') this.#rejectLine(line, 'too-large', `the row is larger than ${maxRecordBytes} bytes`)
    else this.#rejectLine(line, 'quotes', `the quotes of the row are broken (${code})`)
  }

  /** What the parser skipped it does not tell: as long as the file is the same one, the line is. */
  #rejectLine(line: number, code: FileReject['code'], reason: string): void {
    const print = fingerprint([line, this.#file.version])
    this.#reject({ line, code, reason, place: `${this.#file.name} line ${line}`, payload: '', print, values: null })
  }

  #reject(reject: FileReject): void {
    this.#builder.reject(reject, this.#line)
  }
}
