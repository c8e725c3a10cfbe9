import { MappingError } from '../../src/ports/connector.ts'
import type { Cell, Row } from './reader.ts'

type TimeFormat = 'iso' | 'epoch-seconds' | 'epoch-ms'

/** Where a value stands, for the error of one that can't be taken. `id`: native id of the object, once it is known. */
export interface At {
  row: Row
  id: string | null
}

function refuse(at: At, column: string, why: string): never {
  throw new MappingError(`column ${column} ${why}`, at.id)
}

/** The cell of a configured column; undefined where no column is configured. */
function cell(at: At, column: string | undefined): Cell | undefined {
  if (column === undefined) return undefined
  const value = at.row[column]
  if (value === undefined) refuse(at, column, 'is missing from the row')
  return value
}

function asText(at: At, column: string, value: NonNullable<Cell>): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : refuse(at, column, 'is not a finite number')
  if (value instanceof Date) return value.toISOString()
  return refuse(at, column, `holds ${value.binaryBytes} bytes where text is wanted: select it as text, for example with hex()`)
}

/** Text that must be there: an identifier. Whole numbers are spelt in decimal; fractions, booleans and times are no identifiers. */
export function requiredText(at: At, column: string): string {
  const value = cell(at, column)
  if (value === null || value === undefined || value === '') return refuse(at, column, 'is empty where an id is wanted')
  if (typeof value === 'boolean' || value instanceof Date || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    return refuse(at, column, `is ${describe(value)}, which is no id`)
  }
  return asText(at, column, value)
}

export function optionalText(at: At, column: string | undefined): string | null {
  const value = cell(at, column)
  return value === null || value === undefined ? null : asText(at, column ?? '', value)
}

/** One of a fixed set, by way of the translation table where there is one. */
export function choice<T extends string>(
  at: At, column: string | undefined, allowed: readonly T[], table: Readonly<Record<string, T>> | null, fallback: T,
): T {
  const text = optionalText(at, column)
  if (text === null) return fallback
  const value = table === null ? text : Object.hasOwn(table, text) ? table[text] : undefined
  const found = allowed.find((entry) => entry === value)
  if (found !== undefined) return found
  const next = table === null ? `is none of ${allowed.join(', ')}: add a translation` : 'has a value without a translation'
  return refuse(at, column ?? '', next)
}

/** Milliseconds since the epoch, or null for NULL. */
export function time(at: At, column: string | undefined, format: TimeFormat): number | null {
  const value = cell(at, column)
  if (value === null || value === undefined) return null
  const ms = value instanceof Date ? value.getTime() : format === 'iso' ? isoMillis(value) : epochMillis(value, format)
  if (ms === null || !Number.isSafeInteger(ms)) return refuse(at, column ?? '', `is ${describe(value)}, not a time of format ${format}`)
  return ms
}

function epochMillis(value: Cell, format: 'epoch-seconds' | 'epoch-ms'): number | null {
  const number = typeof value === 'number' ? value : typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : null
  if (number === null) return null
  return format === 'epoch-seconds' ? Math.floor(number * 1000 + 1e-6) : Math.floor(number)
}

const isoPattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d)?)?)?$/

/** Date.parse would take February 31st and read text without a zone in the machine's own: both are settled here. */
export function isoMillis(value: Cell): number | null {
  const match = typeof value === 'string' ? isoPattern.exec(value) : null
  if (match === null) return null
  const part = (index: number): number => Number(match[index] ?? 0)
  const day = Date.UTC(part(1), part(2) - 1, part(3))
  const real = new Date(day)
  if (part(1) < 100 || real.getUTCMonth() !== part(2) - 1 || real.getUTCDate() !== part(3)) return null
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(9) > 23 || part(10) > 59) return null
  const millis = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10))
  return day + ((part(4) * 60 + part(5) - offsetMinutes) * 60 + part(6)) * 1000 + millis
}

/** Says what kind of value it is, not what it holds: an error must not carry data that no mapping let through. */
function describe(value: Cell): string {
  if (value === null) return 'NULL'
  if (value instanceof Date) return 'a time'
  if (typeof value === 'object') return 'binary'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a fraction'
  return typeof value === 'boolean' ? 'a boolean' : 'text'
}
