import type { ColumnKind, ReportColumn } from './report.ts'
import { fit, textWidth, visible } from './text-width.ts'

export type Format = 'table' | 'csv' | 'json'

/** Rows for people or programs. `width`: columns of the terminal; only the table looks at it. Each ends with a line break. */
export function formatRows<R>(format: Format, columns: readonly ReportColumn<R>[], rows: readonly R[], width: number): string {
  switch (format) {
    case 'table':
      return table(columns, rows, width)
    case 'csv':
      return csv(columns, rows)
    case 'json':
      return `${JSON.stringify(rows, null, 2)}\n`
  }
}

const gap = '  '
const minColumn = 4
/** Of an id, in a table for people: enough to tell millions apart and to type. */
const shownIdChars = 10

function table<R>(columns: readonly ReportColumn<R>[], rows: readonly R[], width: number): string {
  if (rows.length === 0) return 'nothing found\n'
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ key, kind }) => visible(forPeople(row[key], kind))))]
  const widths = shrink(columns.map((_, i) => Math.max(...cells.map((line) => textWidth(line[i]!)))), width - gap.length * (columns.length - 1))
  const lines = cells.map((line) =>
    line
      .map((cell, i) => {
        const text = fit(cell, widths[i]!)
        const padding = ' '.repeat(widths[i]! - textWidth(text))
        return isNumeric(columns[i]!.kind) ? padding + text : text + padding
      })
      .join(gap)
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
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
function csv<R>(columns: readonly ReportColumn<R>[], rows: readonly R[]): string {
  const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const cell = (value: unknown, kind: ColumnKind): string => {
    const text = forPrograms(value, kind)
    return typeof value !== 'number' && formula.test(text) ? `'${text}` : text
  }
  const lines = [columns.map(({ key }) => quote(key)), ...rows.map((row) => columns.map(({ key, kind }) => quote(cell(row[key], kind))))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

function forPeople(value: unknown, kind: ColumnKind): string {
  if (value === null) return '-'
  if (kind === 'id' && typeof value === 'string') return value.slice(0, shownIdChars)
  if (kind === 'duration' && typeof value === 'number') return duration(value)
  if (kind === 'time' && typeof value === 'number') return iso(value).replace('T', ' ').replace(/\.\d{3}Z$/, 'Z')
  return forPrograms(value, kind)
}

function forPrograms(value: unknown, kind: ColumnKind): string {
  if (kind === 'time' && typeof value === 'number') return iso(value)
  if (Array.isArray(value)) return value.map((item: unknown) => (Array.isArray(item) ? item.join(' > ') || 'direct' : plain(item))).join('; ')
  return value === null ? '' : plain(value)
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** An application may say any number; what no date can hold stays one. */
function iso(value: number): string {
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString()
}

const units = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]] as const

function duration(value: number): string {
  const unit = units.find(([, size]) => Math.abs(value) >= size)
  return unit === undefined ? `${Math.round(value)} ms` : `${Number((value / unit[1]).toFixed(1))} ${unit[0]}`
}

const isNumeric = (kind: ColumnKind): boolean => kind === 'number' || kind === 'duration'
