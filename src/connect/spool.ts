import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** Removes what a killed process left behind. Only while no run of this data directory is under way. */
export function clearSpools(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}

/** What was said about one object by one row. `family` keeps definitions, accounts and feed rows apart. */
export interface SpoolRow {
  family: string
  object: string
  /** as the source spells it */
  native: string
  stream: number
  stamp: number
  place: string
  /** JSON text of the content */
  content: string
}

/**
 * Sorts what a run read, on disk, so that memory stays flat however many objects there are. One file for one run, without
 * durability: after a crash the run is read again. Objects come out in code point order, the rows of each in the order they came.
 */
export class Spool {
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #put: StatementSync
  readonly #seen: StatementSync
  #sequence = 0

  /** `directory` is made if it is missing. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true })
    this.#file = join(directory, `run-${process.pid}-${randomUUID()}.spool`)
    this.#database = new DatabaseSync(this.#file)
    this.#database.exec(`
      PRAGMA journal_mode = OFF;
      PRAGMA synchronous = OFF;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA cache_size = -32768;
      CREATE TABLE rows (family TEXT, object TEXT, sequence INTEGER, native TEXT, stream INTEGER, stamp INTEGER, place TEXT,
        content TEXT, PRIMARY KEY (family, object, sequence)) WITHOUT ROWID;
      CREATE TABLE digests (stream INTEGER, digest TEXT, PRIMARY KEY (stream, digest)) WITHOUT ROWID;
      BEGIN;
    `)
    this.#put = this.#database.prepare('INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#seen = this.#database.prepare('INSERT OR IGNORE INTO digests VALUES (?, ?)')
  }

  put(row: SpoolRow): void {
    this.#put.run(row.family, row.object, this.#sequence++, row.native, row.stream, row.stamp, row.place, row.content)
  }

  /** True where the stream showed this digest before. */
  repeats(stream: number, digest: string): boolean {
    return this.#seen.run(stream, digest).changes === 0
  }

  /** Forgets a stream that is read again. */
  dropStream(stream: number): void {
    this.#database.prepare('DELETE FROM rows WHERE stream = ?').run(stream)
    this.#database.prepare('DELETE FROM digests WHERE stream = ?').run(stream)
  }

  /** One object's rows at a time. */
  *objects(family: string): Generator<SpoolRow[]> {
    const rows = this.#database
      .prepare('SELECT family, object, native, stream, stamp, place, content FROM rows WHERE family = ? ORDER BY object, sequence')
      .iterate(family)
    let group: SpoolRow[] = []
    for (const entry of rows) {
      const row = entry as unknown as SpoolRow
      if (group.length > 0 && group[0]!.object !== row.object) {
        yield group
        group = []
      }
      group.push(row)
    }
    if (group.length > 0) yield group
  }

  /** The file is gone afterwards. */
  close(): void {
    this.#database.close()
    rmSync(this.#file, { force: true })
    rmSync(`${this.#file}-journal`, { force: true })
  }
}
