import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

const suffixes = ['', '-journal', '-wal', '-shm']
const named = /^[a-z0-9-]+\.spool(-wal|-shm)?$/

/**
 * Removes what a killed process left behind, but for named spools: those can be gone on with. Only while no run of this data directory
 * is under way.
 */
export function clearSpools(directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const file of readdirSync(directory)) if (!named.test(file)) rmSync(join(directory, file), { recursive: true, force: true })
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
 * Sorts what a run read, on disk, so that memory stays flat however many objects there are. One file for one run. Objects come out in
 * code point order, the rows of each in the order they came. A named one is as it was last saved after a crash of the process (not of
 * the machine); a power cut may cost it, and then the run begins again.
 */
export class Spool {
  /** Of this name, whatever it holds. */
  static remove(directory: string, name: string): void {
    for (const suffix of suffixes) rmSync(join(directory, `${name}.spool${suffix}`), { force: true })
  }

  readonly #database: DatabaseSync
  readonly #file: string
  readonly #put: StatementSync
  readonly #seen: StatementSync
  readonly #page: StatementSync
  #sequence: number

  /** `directory` is made if it is missing. `name`: of the source; what a spool of this name holds is still there. */
  constructor(directory: string, name: string | null = null) {
    mkdirSync(directory, { recursive: true })
    this.#file = join(directory, name === null ? `${process.pid}.${randomUUID()}.spool` : `${name}.spool`)
    this.#database = new DatabaseSync(this.#file)
    this.#database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = ${name === null ? 'OFF' : 'WAL'};
      PRAGMA synchronous = OFF;
      PRAGMA cache_size = -32768;
      CREATE TABLE IF NOT EXISTS rows (family TEXT, object TEXT, sequence INTEGER, native TEXT, stream INTEGER, stamp INTEGER, place TEXT,
        content TEXT, PRIMARY KEY (family, object, sequence)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS digests (stream INTEGER, digest TEXT, PRIMARY KEY (stream, digest)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS pages (stream INTEGER, digest TEXT);
      CREATE TABLE IF NOT EXISTS point (only INTEGER PRIMARY KEY, text TEXT, sequence INTEGER);
      BEGIN;
    `)
    this.#put = this.#database.prepare('INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#seen = this.#database.prepare('INSERT OR IGNORE INTO digests VALUES (?, ?)')
    this.#page = this.#database.prepare('INSERT INTO pages VALUES (?, ?)')
    this.#sequence = (this.#database.prepare('SELECT sequence FROM point').get()?.['sequence'] as number | undefined) ?? 0
  }

  /** What the last `save` said; null where there was none. */
  get point(): string | null {
    return (this.#database.prepare('SELECT text FROM point').get()?.['text'] as string | undefined) ?? null
  }

  put(row: SpoolRow): void {
    this.#put.run(row.family, row.object, this.#sequence++, row.native, row.stream, row.stamp, row.place, row.content)
  }

  /** True where the stream showed this digest before. */
  repeats(stream: number, digest: string): boolean {
    return this.#seen.run(stream, digest).changes === 0
  }

  /** Keeps a page's digest for a successor's books. */
  keepPage(stream: number, digest: string): void {
    this.#page.run(stream, digest)
  }

  pagesOf(stream: number): string[] {
    return this.#database.prepare('SELECT digest FROM pages WHERE stream = ?').all(stream).map((row) => row['digest'] as string)
  }

  /** From here the run can be gone on with, in another process as well. */
  save(point: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO point VALUES (1, ?, ?)').run(point, this.#sequence)
    this.#database.exec('COMMIT; BEGIN')
  }

  /** From here it can't any more. */
  forget(): void {
    this.#database.exec('DELETE FROM point; COMMIT; BEGIN')
  }

  /** Empties it. */
  clear(): void {
    this.#database.exec('DELETE FROM rows; DELETE FROM digests; DELETE FROM pages')
    this.forget()
    this.#sequence = 0
  }

  /** Forgets a stream that is read again. */
  dropStream(stream: number): void {
    for (const table of ['rows', 'digests', 'pages']) this.#database.prepare(`DELETE FROM ${table} WHERE stream = ?`).run(stream)
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

  /** The file stays, with what was last saved. */
  suspend(): void {
    this.#database.exec('ROLLBACK')
    this.#database.close()
  }

  /** The file is gone afterwards. */
  close(): void {
    this.#database.close()
    for (const suffix of suffixes) rmSync(this.#file + suffix, { force: true })
  }
}
