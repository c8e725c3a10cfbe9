import { closeSync, fdatasyncSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'

/**
 * What tasks do all day: durable commits of chunks, state rows in random order and the position; then everything is read again.
 * LMDB through the adapter against node:sqlite by hand, the same bytes, in turns. Run: node bench/log/log.ts [directory]
 */
const TURNS = 3
const KEYS = 50_000
const chunk = Buffer.alloc(33_000, 7)
const row = Buffer.alloc(120, 3)
const position = Buffer.alloc(16, 1)
const base = process.argv[2] ?? tmpdir()

interface Shape {
  commits: number
  chunks: number
  rows: number
  tasks: number
}
const shapes: Shape[] = [
  { commits: 240, chunks: 1, rows: 200, tasks: 1 },
  { commits: 240, chunks: 1, rows: 200, tasks: 12 },
  { commits: 24, chunks: 16, rows: 4_000, tasks: 1 },
  { commits: 24, chunks: 16, rows: 4_000, tasks: 12 },
]

interface Times {
  writeMs: number
  writeCpuMs: number
  scanMs: number
  stateMs: number
  diskMb: number
}

console.log(`fdatasync of 4 KB: median ${syncMs().toFixed(2)} ms`)
const table = []
for (const shape of shapes) {
  const turns: { lmdb: Times[]; sqlite: Times[] } = { lmdb: [], sqlite: [] }
  for (let turn = 0; turn < TURNS; turn++) {
    turns.lmdb.push(await lmdb(shape))
    turns.sqlite.push(sqlite(shape))
  }
  for (const name of ['lmdb', 'sqlite'] as const) table.push(line(name, shape, turns[name]))
}
console.table(table)

/** Several tasks commit at the same time, as the tasks of one process do. */
async function lmdb({ commits, chunks, rows, tasks }: Shape): Promise<Times> {
  const path = mkdtempSync(join(base, 'bench-lmdb-'))
  const log = await openEmbeddedLog({ path, partitions: Object.fromEntries(topicNames.map((topic) => [topic, 16])) as Record<Topic, number>, durability: 'disk' })
  const stores = await Promise.all(Array.from({ length: tasks }, (_, task) => log.openTask(`bench/${task}`)))
  const stop = start()
  await Promise.all(
    stores.map(async (store, task) => {
      for (let n = task; n < commits; n += tasks) {
        const state = new Map<string, Uint8Array>([['position', position]])
        for (let i = 0; i < rows; i++) state.set(rowKey(n * rows + i), row)
        const append = { topic: 'facts' as const, partition: task, key: null, timestamp: n, value: chunk }
        await store.commit({ appends: Array.from({ length: chunks }, () => append), state })
      }
    }),
  )
  const { writeMs, writeCpuMs } = stop()
  const scanFrom = performance.now()
  for (let task = 0; task < tasks; task++) {
    for (let offset = 0; ; ) {
      const messages = await log.read('facts', task, offset, { maxMessages: 64, maxBytes: 4_000_000 })
      if (messages.length === 0) break
      offset = messages.at(-1)!.offset + 1
    }
  }
  const stateFrom = performance.now()
  let bytes = 0
  for (const store of stores) for (const [, value] of store.state.range('account/')) bytes += value.length
  const done = performance.now()
  requireRows(bytes)
  await log.close()
  return { writeMs, writeCpuMs, scanMs: stateFrom - scanFrom, stateMs: done - stateFrom, diskMb: removed(path) }
}

/** One connection: SQLite has one writer, so tasks take turns. */
function sqlite({ commits, chunks, rows, tasks }: Shape): Times {
  const path = mkdtempSync(join(base, 'bench-sqlite-'))
  const db = new DatabaseSync(join(path, 'log.db'))
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000; PRAGMA mmap_size=1000000000')
  db.exec('CREATE TABLE message (topic INT, part INT, pos INT, ts REAL, key TEXT, value BLOB, PRIMARY KEY (topic, part, pos)) WITHOUT ROWID')
  db.exec('CREATE TABLE state (task INT, key TEXT, value BLOB, PRIMARY KEY (task, key)) WITHOUT ROWID')
  const append = db.prepare('INSERT INTO message VALUES (1, ?, ?, ?, NULL, ?)')
  const put = db.prepare('INSERT INTO state VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
  const stop = start()
  for (let n = 0; n < commits; n++) {
    const task = n % tasks
    db.exec('BEGIN IMMEDIATE')
    for (let i = 0; i < chunks; i++) append.run(task, n * chunks + i, n, chunk)
    put.run(task, 'position', position)
    for (let i = 0; i < rows; i++) put.run(task, rowKey(n * rows + i), row)
    db.exec('COMMIT')
  }
  const { writeMs, writeCpuMs } = stop()
  const scanFrom = performance.now()
  const scan = db.prepare('SELECT pos, ts, key, value FROM message WHERE topic = 1 AND part = ? AND pos >= ? ORDER BY pos LIMIT 64')
  for (let task = 0; task < tasks; task++) {
    for (let offset = 0; ; ) {
      const messages = scan.all(task, offset) as { pos: number }[]
      if (messages.length === 0) break
      offset = messages.at(-1)!.pos + 1
    }
  }
  const stateFrom = performance.now()
  let bytes = 0
  const range = db.prepare("SELECT key, value FROM state WHERE task = ? AND key >= 'account/' AND key < 'account0' ORDER BY key")
  for (let task = 0; task < tasks; task++) for (const item of range.iterate(task)) bytes += (item['value'] as Uint8Array).length
  const done = performance.now()
  requireRows(bytes)
  db.close()
  return { writeMs, writeCpuMs, scanMs: stateFrom - scanFrom, stateMs: done - stateFrom, diskMb: removed(path) }
}

function requireRows(bytes: number): void {
  if (bytes < row.length) throw new Error('the scan read no rows: its figure means nothing')
}

function rowKey(n: number): string {
  return `account/billing-${String((n * 7_919) % KEYS).padStart(8, '0')}`
}

function start(): () => Pick<Times, 'writeMs' | 'writeCpuMs'> {
  const from = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { writeMs: performance.now() - from, writeCpuMs: (user + system) / 1_000 }
  }
}

function line(name: string, { commits, chunks, rows, tasks }: Shape, turns: Times[]): Record<string, string | number> {
  const best = (of: (times: Times) => number): number => Math.min(...turns.map(of))
  const written = commits * rows
  return {
    store: name,
    shape: `${tasks} tasks, ${chunks} chunks + ${rows} rows a commit`,
    'commits/s': Math.round((commits / best((times) => times.writeMs)) * 1_000),
    'rows put/s': Math.round((written / best((times) => times.writeMs)) * 1_000),
    'CPU µs/row': Number(((best((times) => times.writeCpuMs) / written) * 1_000).toFixed(1)),
    'chunks read/s': Math.round(((commits * chunks) / best((times) => times.scanMs)) * 1_000),
    'state scan ms': Math.round(best((times) => times.stateMs)),
    'MB on disk': best((times) => times.diskMb),
  }
}

function removed(path: string): number {
  const megabytes = Math.round(readdirSync(path).reduce((sum, file) => sum + statSync(join(path, file)).size, 0) / 1e6)
  rmSync(path, { recursive: true })
  return megabytes
}

function syncMs(): number {
  const file = join(mkdtempSync(join(base, 'bench-sync-')), 'f')
  const fd = openSync(file, 'w')
  const times = Array.from({ length: 50 }, () => {
    const from = performance.now()
    writeSync(fd, row)
    fdatasyncSync(fd)
    return performance.now() - from
  }).sort((a, b) => a - b)
  closeSync(fd)
  rmSync(join(file, '..'), { recursive: true })
  return times[25]!
}
