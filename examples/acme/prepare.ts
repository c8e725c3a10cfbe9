import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { daysBetween, seedToday, shiftDates } from './world/dates.ts'

const seedDir = fileURLToPath(new URL('./seed', import.meta.url))

/**
 * Sets the company up in `directory`: the seed's files with every date moved so that the seed's today is `nowMs`, and the billing
 * engine's database. A directory that is set up already is left as it is: the company lives on. Answers whether it was new.
 */
export function prepareAcme(directory: string, nowMs: number): boolean {
  const marker = join(directory, 'prepared.json')
  if (existsSync(marker)) return false
  const days = daysBetween(seedToday, nowMs)
  for (const file of filesBelow(seedDir)) {
    const target = join(directory, file)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, shiftDates(readFileSync(join(seedDir, file), 'utf8'), days))
  }
  createBilling(join(directory, 'billing', 'billing.db'), join(directory, 'billing'))
  writeFileSync(marker, `${JSON.stringify({ seedToday, preparedAt: new Date(nowMs).toISOString() })}\n`)
  return true
}

function filesBelow(directory: string, prefix = ''): string[] {
  return readdirSync(join(directory, prefix))
    .sort()
    .flatMap((name) => (statSync(join(directory, prefix, name)).isDirectory() ? filesBelow(directory, join(prefix, name)) : [join(prefix, name)]))
}

/** The billing engine's private tables, as its vendor ships them. */
const tables: Record<string, string> = {
  users: 'user_id TEXT PRIMARY KEY, email TEXT, full_name TEXT NOT NULL, state TEXT NOT NULL, user_type TEXT NOT NULL, owner_email TEXT, created_at TEXT, last_login TEXT',
  roles: 'role_code TEXT PRIMARY KEY, label TEXT NOT NULL',
  role_implies: 'role_code TEXT NOT NULL, implied_code TEXT NOT NULL, PRIMARY KEY (role_code, implied_code)',
  role_permissions: 'role_code TEXT NOT NULL, perm_code TEXT NOT NULL, PRIMARY KEY (role_code, perm_code)',
  user_roles: 'user_id TEXT NOT NULL, role_code TEXT NOT NULL, PRIMARY KEY (user_id, role_code)',
  user_permissions: 'user_id TEXT NOT NULL, perm_code TEXT NOT NULL, PRIMARY KEY (user_id, perm_code)',
  api_keys: 'key_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at TEXT, last_used_at TEXT, expires_at TEXT',
}

function createBilling(file: string, csvDir: string): void {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL; BEGIN')
  for (const [table, columns] of Object.entries(tables)) {
    db.exec(`CREATE TABLE ${table} (${columns})`)
    const rows = parse<Record<string, string>>(readFileSync(join(csvDir, `${table}.csv`)), { columns: true })
    const names = Object.keys(rows[0] ?? {})
    const insert = db.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
    for (const row of rows) insert.run(...names.map((name) => (row[name] === '' ? null : row[name]!)))
  }
  db.exec('COMMIT')
  db.close()
}
