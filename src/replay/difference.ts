import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord } from '../../schemas/wire/topics.ts'
import { canonical } from '../core/canonical.ts'

/**
 * `missing`: the re-run gives a record that is not recorded at `at` or anywhere before the next one; `extra`: the re-run does not
 * give what is recorded there; `changed`: both have a record there and they are not equal; `unattributed`: no task, connector or
 * publisher can have written it; `unreadable`: the bytes there are no record; `failed`: the processor threw at the input `at`.
 */
export type DifferenceKind = 'missing' | 'extra' | 'changed' | 'unattributed' | 'unreadable' | 'failed'

export interface Difference {
  kind: DifferenceKind
  /** in the log as it is; for what is missing the place where it should have been, at the latest */
  at: Position
  /** the first field that is not equal, where both sides have a record */
  field: string | null
  /** what the log holds, in short */
  recorded: string | null
  /** what the re-run gives, in short */
  derived: string | null
}

const maxShortChars = 240

/** One record for a person's eye: its type where it has one, then its fields in a stable order, cut where that is long. */
export function short(value: Readonly<Record<string, unknown>>): string {
  const { type, ...fields } = value
  const text = `${typeof type === 'string' ? `${type} ` : ''}${canonical(readable(fields))}`
  return text.length <= maxShortChars ? text : `${text.slice(0, maxShortChars)}… (${text.length} characters)`
}

/** Path of the first field, in code point order, that `a` and `b` do not have in common; null where they are equal. */
export function firstField(a: unknown, b: unknown, path = ''): string | null {
  if (canonical(readable(a)) === canonical(readable(b))) return null
  if (!hasFields(a) || !hasFields(b) || Array.isArray(a) !== Array.isArray(b)) return path === '' ? '(all of it)' : path
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  for (const field of fields) {
    const step = Array.isArray(a) ? `${path}[${field}]` : path === '' ? field : `${path}.${field}`
    const found = firstField(a[field], b[field], step)
    if (found !== null) return found
  }
  return path
}

/** The input record that made this one, or null where it does not name it. */
export const causeOf = (record: AnyRecord): Position | null => ('cause' in record ? record.cause : null)

/** By offset and index; only for positions of one partition. */
export const comparePositions = (a: { offset: number; index: number }, b: { offset: number; index: number }): number =>
  a.offset - b.offset || a.index - b.index

const placeText = ({ topic, partition, offset, index }: Position): string => `${topic}/${partition} offset ${offset} index ${index}`

const hasFields = (value: unknown): value is Record<string, unknown> => isObject(value) && !(value instanceof Uint8Array)
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(readable)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]))
}

/** One sentence for a person. */
export function tell({ kind, at, field, recorded, derived }: Difference): string {
  const where = placeText(at)
  switch (kind) {
    case 'changed':
      return `${where}: ${field ?? 'the record'} is not what the re-run gives. Recorded: ${recorded}. Derived: ${derived}`
    case 'missing':
      return `${where}: a record is missing here. Derived: ${derived}. Recorded ${recorded === null ? 'nothing' : `instead: ${recorded}`}`
    case 'extra':
      return `${where}: the re-run gives no such record here. Recorded: ${recorded}`
    case 'unattributed':
      return `${where}: nothing that writes to this log can have written this. Recorded: ${recorded}`
    case 'unreadable':
      return `${where}: can't be read: ${recorded}`
    case 'failed':
      return `${where}: the re-run failed: ${derived}`
  }
}
