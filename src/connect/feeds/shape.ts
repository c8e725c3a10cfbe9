import { z } from 'zod'
import type { FeedConfig } from '../../../schemas/config.ts'
import { type FeedRow, feedRows, requiredFields } from '../../../schemas/feeds.ts'
import type { IntentClass } from '../../../schemas/settings.ts'

/** What of a feed's config says how its rows are read. */
export type FeedShape = Pick<FeedConfig, 'class' | 'fields' | 'keys' | 'attributes'>

/** A checked row with its class; each class has its own shape. */
export type TypedRow = { [C in IntentClass]: { class: C; row: FeedRow<C> } }[IntentClass]

type Values = Readonly<Record<string, unknown>>

/** The feed's own names of a row's columns to ours. An empty cell is absent. */
export function renameFields(values: Values, shape: FeedShape): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const field of fieldsOf(shape.class)) {
    const value = present(values[shape.fields[field] ?? field])
    if (value !== undefined && field !== 'keys' && field !== 'attributes') out[field] = value
  }
  if (shape.class === 'identities') {
    out['keys'] = { ...objectAt(values, shape, 'keys'), ...pick(values, Object.entries(shape.keys)) }
    out['attributes'] = { ...objectAt(values, shape, 'attributes'), ...pick(values, shape.attributes.map((name) => [name, name] as const)) }
  }
  return out
}

/** Throws ZodError that names the columns as the feed has them: whoever mends the file knows no others. */
export function parseRow(values: Values, shape: FeedShape): TypedRow {
  const parsed = feedRows[shape.class].safeParse(renameFields(values, shape))
  if (parsed.success) return { class: shape.class, row: parsed.data } as TypedRow
  throw new z.ZodError(parsed.error.issues.map((issue) => ({ ...issue, path: pathInFeed(issue.path, shape) })))
}

function pathInFeed([field, ...rest]: readonly PropertyKey[], shape: FeedShape): PropertyKey[] {
  if (field === undefined) return []
  const [name, ...within] = rest
  if (field === 'keys' && typeof name === 'string' && shape.keys[name] !== undefined) return [shape.keys[name], ...within]
  if (field === 'attributes' && typeof name === 'string' && shape.attributes.includes(name)) return [name, ...within]
  return [typeof field === 'string' ? (shape.fields[field] ?? field) : field, ...rest]
}

/** Columns that a CSV file of this feed must have. */
export function requiredColumns(shape: FeedShape): string[] {
  const named = [...Object.values(shape.fields), ...Object.values(shape.keys), ...shape.attributes]
  return [...new Set([...requiredFields[shape.class].map((field) => shape.fields[field] ?? field), ...named])]
}

function fieldsOf(name: IntentClass): string[] {
  return Object.keys(feedRows[name].shape)
}

const present = (value: unknown): unknown => (value === '' || value === null ? undefined : value)

/** `keys` and `attributes` may come as an object, in JSON. */
function objectAt(values: Values, shape: FeedShape, field: 'keys' | 'attributes'): object {
  const value = values[shape.fields[field] ?? field]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

function pick(values: Values, names: readonly (readonly [to: string, from: string])[]): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [to, from] of names) {
    const value = present(values[from])
    if (value !== undefined) found[to] = value
  }
  return found
}
