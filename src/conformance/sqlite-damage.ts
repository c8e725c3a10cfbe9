import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { harming } from './harm.ts'
import type { Scenario } from './scenario.ts'

interface Relation {
  name: string
  type: 'table' | 'view'
  columns: string[]
}

/** What goes wrong with a database file, and with each table, view and column that a query speaks of. `queries`: everything that is read. */
export function sqliteScenarios(file: string, queries: readonly string[]): Scenario[] {
  const words = new Set(queries.join(' ').toLowerCase().match(/[\w$]+/g))
  const spoken = (name: string): boolean => words.has(name.toLowerCase()) || queries.some((query) => query.includes(quoted(name)))
  return [
    harming('the file is missing', 'partial', () => (rmSync(file), true)),
    harming('the file is empty', 'partial', () => (writeFileSync(file, ''), true)),
    harming('the file is cut', 'partial', () => (truncateSync(file, Math.min(4_096, Math.floor(readFileSync(file).length / 2))), true)),
    harming('the file is no database', 'partial', () => (writeFileSync(file, 'not a database, not at all, for more than a hundred bytes '.repeat(4)), true)),
    ...relationsOf(file).filter(({ name }) => spoken(name)).flatMap(({ name, type, columns }) => [
      harming(`${type} ${name} is missing`, 'partial', () => changed(file, `DROP ${type.toUpperCase()} ${quoted(name)}`)),
      // Whether this column is read or one of the same name elsewhere, only the database can tell.
      ...columns.filter(spoken).map((column) => harming(`column ${column} of ${name} has another name`, 'safe', () => changed(file, `ALTER TABLE ${quoted(name)} RENAME COLUMN ${quoted(column)} TO ${quoted(`no longer ${column}`)}`))),
    ]),
  ]
}

/** A copy of the database as it is now, also while others write to it. Throws where it is none. */
export function copyDatabase(from: string, to: string): void {
  withDatabase(from, true, (database) => database.prepare('VACUUM INTO ?').run(to))
}

function relationsOf(file: string): Relation[] {
  return withDatabase(file, true, (database) =>
    database.prepare("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name").all().map((row): Relation => {
      const name = String(row['name'])
      return { name, type: row['type'] === 'view' ? 'view' : 'table', columns: database.prepare('SELECT name FROM pragma_table_info(?)').all(name).map((column) => String(column['name'])) }
    }))
}

/** False where the database does not let it be done. */
function changed(file: string, sql: string): boolean {
  try {
    withDatabase(file, false, (database) => database.exec(`PRAGMA foreign_keys = off; ${sql}`))
    return true
  } catch {
    return false
  }
}

function withDatabase<T>(file: string, readOnly: boolean, act: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { readOnly })
  try {
    return act(database)
  } finally {
    database.close()
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
