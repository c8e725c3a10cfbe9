import type { Guard, Row } from '../../ports/store.ts'
import { identifier, literal } from './literal.ts'

export interface Column {
  name: string
  type: string
}

/** Begins the message of a refused insert, so that it can be told from any other error. */
export const guardMessage = 'grantline-guard'
/** What the engine calls an error that `throwIf` raised. */
export const guardCode = '395'
/** Name of the bound parameter that the guard's query has to equal. */
export const guardParam = 'guard_equals'

/**
 * One block: one part or none. `FROM input(…)` must not stand here: on the embedded engine it acknowledges and inserts nothing.
 * The guard is a scalar, so the engine asks it once, when it begins the insert; `limitMs` bounds how long after that rows may land.
 */
export function insertSql(table: string, columns: readonly Column[], rows: readonly Row[], guard: Guard, limitMs: number): string {
  const names = columns.map(({ name }) => identifier(name)).join(', ')
  const structure = columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ')
  const data = rows.map((row) => JSON.stringify(row)).join('\n')
  const settings = [
    'async_insert = 0',
    `max_execution_time = ${Math.ceil(limitMs / 1_000)}`,
    'max_insert_threads = 1',
    'max_block_size = 100000000',
    'min_insert_block_size_rows = 100000000',
    'min_insert_block_size_bytes = 0',
    // a misspelt column must fail, not be left out
    'input_format_skip_unknown_fields = 0',
  ].join(', ')
  return [
    `INSERT INTO ${identifier(table)} (${names}) SETTINGS ${settings}`,
    `SELECT ${names} FROM format(JSONEachRow, ${literal(structure)}, ${literal(data)})`,
    `WHERE throwIf((${guard.sql}) != {${guardParam}:Int64}, '${guardMessage}') = 0`,
  ].join('\n')
}
