import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Store } from '../../ports/store.ts'

export interface Migration {
  version: number
  name: string
  statements: string[]
  digest: string
}

const folder = new URL('../../../schemas/clickhouse/', import.meta.url)
const Applied = z.object({ version: z.int(), name: z.string(), digest: z.string() })

/** schemas/clickhouse/NNNN-name.sql, in order. Throws where a number is missing or there twice. */
export function readMigrations(): Migration[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
  return files.map((file, i) => {
    const version = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1])
    if (version !== i + 1) throw new Error(`schemas/clickhouse/${file}: expected a name that begins with ${String(i + 1).padStart(4, '0')}-`)
    const text = readFileSync(new URL(file, folder), 'utf8')
    return { version, name: file, statements: splitStatements(text), digest: createHash('sha256').update(text).digest('hex') }
  })
}

/** Statements end with a semicolon at the end of a line; lines that begin with `--` are comments. */
export function splitStatements(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

/**
 * Applies what is new, in order, each recorded after its last statement. Statements can be run again, so a crash in the middle is harmless; of two
 * processes at once the slower puts older views in the place of newer ones until it has come to the end (`remakeViews`). Throws where an applied file
 * has changed since, or the tables are newer than this code.
 */
export async function migrate(store: Store, migrations: readonly Migration[]): Promise<void> {
  await store.command(
    `CREATE TABLE IF NOT EXISTS schema_migrations (version UInt32, name String, digest String, at DateTime64(3, 'UTC'))
     ENGINE = MergeTree ORDER BY version`,
    {},
  )
  const applied = await store.query('SELECT DISTINCT version, name, digest FROM schema_migrations', {}, Applied)
  for (const { version, name, digest } of applied) {
    const known = migrations.find((migration) => migration.version === version)
    if (known === undefined) throw new Error(`the tables have migration ${name}, which this release does not know: run a newer release`)
    if (known.digest !== digest) throw new Error(`${known.name} was applied with other content: restore the file and add a new one instead`)
  }
  const done = new Set(applied.map(({ version }) => version))
  for (const { version, name, digest, statements } of migrations.filter((migration) => !done.has(migration.version))) {
    for (const statement of statements) await store.command(statement, {})
    await store.command(
      'INSERT INTO schema_migrations SELECT {version:UInt32}, {name:String}, {digest:String}, now64(3)',
      { version, name, digest },
    )
  }
}

/** Each view as the last of these has it, whatever a process that ended in the midst of them left. */
export async function remakeViews(store: Store, migrations: readonly Migration[]): Promise<void> {
  const views = new Map<string, string>()
  for (const statement of migrations.flatMap(({ statements }) => statements)) {
    const name = /^CREATE OR REPLACE VIEW (\w+) /.exec(statement)?.[1]
    if (name !== undefined) views.set(name, statement)
  }
  for (const statement of views.values()) await store.command(statement, {})
}
