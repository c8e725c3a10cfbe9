import { ConnectError, MappingError } from '../../src/ports/connector.ts'
import { bindable } from './bind.ts'
import type { SqlConfig, SqlChanges } from './config.ts'
import type { Cell, Reader, Row } from './reader.ts'
import { selectColumns } from './statement.ts'
import { requiredText } from './values.ts'

/**
 * Accounts that changed behind the cursor, and the position where changes end, of one snapshot: what is not visible in it yet may come to lie
 * behind that position, and is the lag of the platform to catch. `reader` has to be a new one. Throws ConnectError.
 */
export async function readChanges(
  { position, query, account }: SqlChanges, driver: SqlConfig['driver'], reader: Reader, cursor: string | null,
): Promise<{ accounts: string[]; cursor: string }> {
  const end = positionOf(await reader.rows(position, [], 'changes, position'))
  if (cursor === null) return { accounts: [], cursor: end }
  const { sql, names } = bindable(query, driver)
  const rows = await reader.rows(selectColumns(sql, [account]), names.map(() => cursor), 'changes')
  return { accounts: [...new Set(rows.map((row) => idOf(row, account)))], cursor: end }
}

function positionOf(rows: readonly Row[]): string {
  const values = Object.values(rows[0] ?? {})
  const text = rows.length === 1 && values.length === 1 ? textOf(values[0]) : null
  if (text === null) throw new ConnectError('schema', '`position` has to answer one row with one value that is not NULL: text, a number or a time', 'changes, position')
  return text
}

function textOf(value: Cell | undefined): string | null {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}

/** A change that names nobody is a change that is lost. */
function idOf(row: Row, column: string): string {
  try {
    return requiredText({ row, id: null }, column)
  } catch (error) {
    if (error instanceof MappingError) throw new ConnectError('schema', `a change names no account: ${error.message}`, 'changes')
    throw error
  }
}
