import { feedTime } from '../../schemas/feeds.ts'
import { type Mapped, MappingError } from '../../src/ports/connector.ts'
import type { CsvFile, FileOf } from './config.ts'

type Cells = Readonly<Record<string, unknown>>

/** Pure: what one row of a file means. Throws MappingError that names the column, never its content. */
export function mapRow(file: CsvFile, cells: Cells): Mapped[] {
  switch (file.piece) {
    case 'account':
      return [account(file, cells)]
    case 'definition': {
      const id = required(cells, file.columns.id, null)
      return [{ piece: 'definition', ref: { kind: file.kind, id }, name: text(cells, file.columns.name), valid: time(cells, file.columns.valid, id) }]
    }
    case 'child': {
      const parent = { kind: file.parentKind, id: required(cells, file.columns.parent, null) }
      return many(cells, file.columns.child, file.separator, parent.id).map((id) => ({ piece: 'child', parent, child: { kind: file.childKind, id } }))
    }
    case 'membership': {
      const id = required(cells, file.columns.account, null)
      const valid = time(cells, file.columns.valid, id)
      return many(cells, file.columns.id, file.separator, id).map((role) => ({ piece: 'membership', account: id, ref: { kind: file.kind, id: role }, valid }))
    }
    case 'grant': {
      const id = required(cells, file.columns.account, null)
      const valid = time(cells, file.columns.valid, id)
      return many(cells, file.columns.entitlement, file.separator, id).map((entitlement) => ({ piece: 'grant', account: id, entitlement, valid }))
    }
    case 'credential':
      return [credential(file, cells)]
  }
}

/** The column that names the row's account; null where rows are about roles. */
export function accountColumn(file: CsvFile): string | null {
  switch (file.piece) {
    case 'account':
      return file.columns.id
    case 'membership':
    case 'grant':
    case 'credential':
      return file.columns.account
    case 'definition':
    case 'child':
      return null
  }
}

function account({ columns, defaults, translate }: FileOf<'account'>, cells: Cells): Mapped {
  const id = required(cells, columns.id, null)
  const values: Record<string, string> = {}
  for (const [name, column] of Object.entries(columns.values)) {
    const value = text(cells, column)
    if (value !== null) values[name] = value
  }
  return {
    piece: 'account',
    id,
    valid: time(cells, columns.valid, id),
    attributes: {
      kind: oneOf(cells, columns.kind, translate.kind ?? kinds, id) ?? defaults.kind,
      status: oneOf(cells, columns.status, translate.status ?? statuses, id) ?? defaults.status,
      display: text(cells, columns.display),
      created: time(cells, columns.created, id),
      lastUsed: time(cells, columns.lastUsed, id),
      owner: text(cells, columns.owner),
      values,
    },
  }
}

function credential({ columns, kind }: FileOf<'credential'>, cells: Cells): Mapped {
  const id = required(cells, columns.account, null)
  return {
    piece: 'credential',
    account: id,
    credential: {
      id: required(cells, columns.id, id),
      kind: text(cells, columns.kind) ?? kind,
      created: time(cells, columns.created, id),
      lastUsed: time(cells, columns.lastUsed, id),
      expires: time(cells, columns.expires, id),
    },
  }
}

const kinds = { human: 'human', service: 'service', apikey: 'apikey', token: 'token' } as const
const statuses = { active: 'active', disabled: 'disabled' } as const

/** An empty cell is absent. */
function text(cells: Cells, column: string | undefined): string | null {
  const value = column === undefined ? undefined : cells[column]
  return typeof value === 'string' && value !== '' ? value : null
}

function required(cells: Cells, column: string, id: string | null): string {
  const value = text(cells, column)
  if (value === null) throw new MappingError(`column "${column}" is empty`, id)
  return value
}

function many(cells: Cells, column: string, separator: string | null, id: string): string[] {
  if (separator === null) return [required(cells, column, id)]
  return (text(cells, column) ?? '').split(separator).map((part) => part.trim()).filter((part) => part !== '')
}

function time(cells: Cells, column: string | undefined, id: string): number | null {
  const value = text(cells, column)
  if (value === null) return null
  const parsed = feedTime.safeParse(value)
  if (!parsed.success) throw new MappingError(`column "${column ?? ''}": ${parsed.error.issues[0]?.message ?? 'expected a time'}`, id)
  return parsed.data
}

function oneOf<V>(cells: Cells, column: string | undefined, table: Readonly<Record<string, V>>, id: string): V | null {
  const value = text(cells, column)
  if (value === null) return null
  const found = Object.hasOwn(table, value) ? table[value] : undefined
  if (found !== undefined) return found
  throw new MappingError(`column "${column ?? ''}": expected one of ${Object.keys(table).join(', ')}`, id)
}
