import { timeText } from '../../schemas/time-text.ts'
import type { ColumnKind, ReportColumn } from './report.ts'
import { fit, textWidth, visible } from './text-width.ts'

export type Format = 'table' | 'csv' | 'json'

/** Rows for people or programs. `width`: columns of the terminal; only the table looks at it. Each ends with a line break. */
export function formatRows<R>(format: Format, columns: readonly ReportColumn<R>[], rows: readonly R[], width: number): string {
  switch (format) {
    case 'table': {
      const { head, line } = table(columns, rows, width)
      return rows.length === 0 ? nothing : head + rows.map(line).join('')
    }
    case 'csv':
      return csvHead(columns) + csvLines(columns, rows)
    case 'json':
      return `${JSON.stringify(rows, null, 2)}\n`
  }
}

/** The same text in pieces. The columns of a table are as wide as its first 10,000 rows need. */
export async function* formatPages<R>(format: Format, columns: readonly ReportColumn<R>[], pages: AsyncIterable<readonly R[]>, width: number): AsyncGenerator<string> {
  switch (format) {
    case 'table':
      yield* tablePages(columns, pages, width)
      break
    case 'csv':
      yield csvHead(columns)
      for await (const rows of pages) yield csvLines(columns, rows)
      break
    case 'json':
      yield* jsonPages(pages)
  }
}

async function* tablePages<R>(columns: readonly ReportColumn<R>[], pages: AsyncIterable<readonly R[]>, width: number): AsyncGenerator<string> {
  const measured: R[] = []
  const lines: { of: ((row: R) => string) | null } = { of: null }
  const begin = (): string => {
    const { head, line } = table(columns, measured, width)
    lines.of = line
    return head + measured.map(line).join('')
  }
  for await (const rows of pages) {
    if (lines.of !== null) yield rows.map(lines.of).join('')
    else {
      for (const row of rows) measured.push(row)
      if (measured.length >= measuredRows) yield begin()
    }
  }
  if (lines.of === null) yield measured.length === 0 ? nothing : begin()
}

async function* jsonPages<R>(pages: AsyncIterable<readonly R[]>): AsyncGenerator<string> {
  let isFirst = true
  for await (const rows of pages) {
    if (rows.length === 0) continue
    // without the brackets of its own
    yield `${isFirst ? '[' : ','}${JSON.stringify(rows, null, 2).slice(1, -2)}`
    isFirst = false
  }
  yield isFirst ? '[]\n' : '\n]\n'
}

const gap = '  '
const minColumn = 4
/** Of an id, in a table for people: enough to tell millions apart and to type. */
const shownIdChars = 10

const nothing = 'nothing found\n'
const measuredRows = 10_000

/** `head` and each `line` with columns as wide as `rows` need. */
function table<R>(columns: readonly ReportColumn<R>[], rows: readonly R[], width: number): { head: string; line: (row: R) => string } {
  const cellsOf = (row: R): string[] => columns.map(({ key, kind }) => visible(forPeople(row[key], kind)))
  const needed = columns.map(({ title }) => textWidth(title))
  for (const row of rows) for (const [i, cell] of cellsOf(row).entries()) needed[i] = Math.max(needed[i]!, textWidth(cell))
  const widths = shrink(needed, width - gap.length * (columns.length - 1))
  const lineOf = (cells: readonly string[]): string =>
    `${cells
      .map((cell, i) => {
        const text = fit(cell, widths[i]!)
        const padding = ' '.repeat(widths[i]! - textWidth(text))
        return isNumeric(columns[i]!.kind) ? padding + text : text + padding
      })
      .join(gap)
      .trimEnd()}\n`
  return { head: lineOf(columns.map(({ title }) => title)), line: (row) => lineOf(cellsOf(row)) }
}

/** Takes from the widest column until all fit, never below a readable minimum. */
function shrink(widths: readonly number[], available: number): number[] {
  const result = [...widths]
  for (let excess = result.reduce((a, b) => a + b, 0) - available; excess > 0; excess--) {
    const widest = result.indexOf(Math.max(...result))
    if (result[widest]! <= minColumn) break
    result[widest] = result[widest]! - 1
  }
  return result
}

/** What a spreadsheet would take for a formula; also behind apostrophes, so that taking one away gives what was there. */
const formula = /^'*[=+\-@\t\r\n\0]/

/**
 * RFC 4180: CRLF, quotes doubled. Times are ISO 8601, durations ms, lists joined by `; `. Null and the empty text are both empty. Names
 * come from the applications: one that a spreadsheet would take for a formula has an apostrophe before it (OWASP ASVS 5.0, 1.2.10);
 * programs that need each name as it is read JSON.
 */
function csvLines<R>(columns: readonly ReportColumn<R>[], rows: readonly R[]): string {
  const cell = (value: unknown, kind: ColumnKind): string => {
    const text = forPrograms(value, kind)
    return typeof value !== 'number' && formula.test(text) ? `'${text}` : text
  }
  return rows.map((row) => csvLine(columns.map(({ key, kind }) => cell(row[key], kind)))).join('')
}

const csvHead = <R>(columns: readonly ReportColumn<R>[]): string => csvLine(columns.map(({ key }) => key))
const csvLine = (cells: readonly string[]): string => `${cells.map(quote).join(',')}\r\n`
const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

function forPeople(value: unknown, kind: ColumnKind): string {
  if (value === null) return '-'
  if (kind === 'id' && typeof value === 'string') return value.slice(0, shownIdChars)
  if (kind === 'duration' && typeof value === 'number') return duration(value)
  if (kind === 'time' && typeof value === 'number') return timeText(value).replace('T', ' ').replace(/\.\d{3}Z$/, 'Z')
  return forPrograms(value, kind)
}

function forPrograms(value: unknown, kind: ColumnKind): string {
  if (kind === 'time' && typeof value === 'number') return timeText(value)
  if (Array.isArray(value)) return value.map((item: unknown) => (Array.isArray(item) ? item.join(' > ') || 'direct' : plain(item))).join('; ')
  return value === null ? '' : plain(value)
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const units = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]] as const

function duration(value: number): string {
  const unit = units.find(([, size]) => Math.abs(value) >= size)
  return unit === undefined ? `${Math.round(value)} ms` : `${Number((value / unit[1]).toFixed(1))} ${unit[0]}`
}

const isNumeric = (kind: ColumnKind): boolean => kind === 'number' || kind === 'duration'
