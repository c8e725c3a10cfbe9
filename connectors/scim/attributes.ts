import { MappingError } from '../../src/ports/connector.ts'

export type Complex = Readonly<Record<string, unknown>>

export const isComplex = (value: unknown): value is Complex => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Attribute names are case-insensitive (RFC 7643, 2.1); the exact spelling is tried first. */
export function attribute(of: Complex, name: string): unknown {
  if (Object.hasOwn(of, name)) return of[name]
  const folded = name.toLowerCase()
  const spelling = Object.keys(of).find((key) => key.toLowerCase() === folded)
  return spelling === undefined ? undefined : of[spelling]
}

/** The resource's id where it can be read, else null. */
export function idOf(row: unknown): string | null {
  const id = isComplex(row) ? attribute(row, 'id') : undefined
  return typeof id === 'string' && id !== '' ? id : null
}

/** What `[urn:]attribute[.part]` holds as text; null where it is absent. Throws MappingError for what is no single simple value. */
export function textAt(resource: Complex, path: string, id: string | null): string | null {
  const schemaEnd = path.startsWith('urn:') ? path.lastIndexOf(':') : -1
  const holder = schemaEnd < 0 ? resource : attribute(resource, path.slice(0, schemaEnd))
  const [name = '', part] = path.slice(schemaEnd + 1).split('.')
  if (!isComplex(holder)) return null
  const value = chosen(attribute(holder, name))
  return simple(part !== undefined && isComplex(value) ? attribute(value, part) : value, path, id)
}

/** Of several values the one marked primary, else the first. */
function chosen(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const entries: unknown[] = value
  return entries.find((entry) => isComplex(entry) && attribute(entry, 'primary') === true) ?? entries[0]
}

function simple(value: unknown, path: string, id: string | null): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value === '' ? null : value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const inner = isComplex(value) ? attribute(value, 'value') : undefined
  if (typeof inner === 'string') return inner
  throw new MappingError(`attribute ${path} is no simple value`, id)
}

/** The complex values of a multi-valued attribute; absent is none. */
export function valuesAt(resource: Complex, name: string, id: string | null): Complex[] {
  const value = attribute(resource, name)
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new MappingError(`attribute ${name} is not a list`, id)
  return value.map((entry: unknown) => {
    if (isComplex(entry)) return entry
    if (typeof entry === 'string') return { value: entry }
    throw new MappingError(`attribute ${name} holds an entry that is neither text nor a set of attributes`, id)
  })
}

/** The `value` that an entry must have: an id, a role's name. */
export function valueOf(entry: Complex, name: string, id: string | null): string {
  const value = attribute(entry, 'value')
  if (typeof value === 'string' && value !== '') return value
  throw new MappingError(`attribute ${name} holds an entry without a value`, id)
}

/** xsd:dateTime with a zone, in ms; null where absent. */
export function timeAt(resource: Complex, path: string, id: string | null): number | null {
  const text = textAt(resource, path, id)
  if (text === null) return null
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(ms)) throw new MappingError(`attribute ${path} is no time with a zone`, id)
  return Math.trunc(ms)
}
