import { z } from 'zod'
import type { SchemaChange } from '../../schemas/wire/results.ts'
import { maskRow } from './mask.ts'

/** Which fields a stream's rows have, with the types of their values: path -> types, and whether every row had it. */
export const Shape = z.record(z.string(), z.strictObject({ types: z.array(z.string()), always: z.boolean() }))
export type Shape = z.infer<typeof Shape>

/** A field of an application's rows is not what it was. */
export interface ShapeChange extends SchemaChange {
  change: 'vanished' | 'appeared' | 'type'
}

/** One line for people. */
export const shapeChangeText = ({ stream, field, change, was, is, example, place }: SchemaChange): string =>
  `${stream}: ${field} ${change} (${was} → ${is}${example === null ? '' : `, such as ${example} at ${place}`})`

/** A row with more fields than this is a map with data for keys: only so many are looked at. */
const maxFields = 200

interface Seen {
  types: Set<string>
  rows: number
  first: Map<string, { value: unknown; place: string }>
}

/** Learns the shape of a stream's rows as they come. Memory grows with the fields, not with the rows. */
export class ShapeLearner {
  readonly #fields = new Map<string, Seen>()
  #rows = 0

  add(row: unknown, place: string): void {
    this.#rows += 1
    if (typeof row !== 'object' || row === null) this.#note('', row, place)
    else this.#visit(row as Record<string, unknown>, '', place)
  }

  /** What was seen; null before the first row. */
  get shape(): Shape | null {
    if (this.#rows === 0) return null
    const entries = [...this.#fields].map(([field, { types, rows }]) => [field, { types: [...types].sort(), always: rows === this.#rows }] as const)
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** How it differs from what was known. A field that not every row had may stay away; null is no type. */
  changesFrom(known: Shape, stream: string): ShapeChange[] {
    if (this.#rows === 0) return []
    const changes: ShapeChange[] = []
    for (const [field, { types, always }] of Object.entries(known)) {
      const seen = this.#fields.get(field)
      const was = types.join(' or ')
      if (seen === undefined) {
        if (always) changes.push({ stream, field, change: 'vanished', was, is: 'absent', example: null, place: stream })
        continue
      }
      if (types.every((type) => type === 'null')) continue
      for (const [type, { value, place }] of seen.first) {
        if (type !== 'null' && !types.includes(type)) changes.push({ stream, field, change: 'type', was, is: type, example: maskRow(value), place })
      }
    }
    for (const [field, { types, first }] of this.#fields) {
      if (field in known) continue
      const [example] = first.values()
      changes.push({ stream, field, change: 'appeared', was: 'absent', is: [...types].join(' or '), example: maskRow(example?.value), place: example?.place ?? stream })
    }
    return changes
  }

  #visit(row: Record<string, unknown>, prefix: string, place: string): void {
    for (const [key, value] of Object.entries(row)) {
      const field = prefix + key
      this.#note(field, value, place)
      if (prefix === '' && typeOf(value) === 'object') this.#visit(value as Record<string, unknown>, `${field}.`, place)
    }
  }

  #note(field: string, value: unknown, place: string): void {
    let seen = this.#fields.get(field)
    if (seen === undefined) {
      if (this.#fields.size >= maxFields) return
      seen = { types: new Set(), rows: 0, first: new Map() }
      this.#fields.set(field, seen)
    }
    seen.rows += 1
    const type = typeOf(value)
    if (seen.types.has(type)) return
    seen.types.add(type)
    seen.first.set(type, { value, place })
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (value instanceof Date) return 'time'
  if (value instanceof Uint8Array) return 'bytes'
  return typeof value === 'bigint' ? 'number' : typeof value
}
