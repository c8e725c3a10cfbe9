import { createHash } from 'node:crypto'
import type { Database } from 'lmdb'
import { compareKeys } from '../../core/order.ts'
import { Slab } from '../../core/slab.ts'
import type { StateReader } from '../../ports/log.ts'
import { textBytes } from './layout.ts'

type Binary = Database<Buffer, Buffer>

/**
 * One task's state in the shared database: 4 bytes task number, then the key in UTF-8, whose byte order is code point order.
 *
 * LMDB takes keys of up to 1,978 bytes. A longer one is cut to `HEAD_BYTES` and the digest of the whole; the whole key goes
 * before the value. Keys that agree in the head are put in order when they are read.
 */
const TASK_BYTES = 4
const HEAD_BYTES = 1_900
const SHORT_CHARACTERS = 256
const FIRST_BATCH_ROWS = 32
const MAX_BATCH_ROWS = 1_024

interface Row {
  key: string
  value: Uint8Array
}

export class StateTable implements StateReader {
  readonly #db: Binary
  readonly #task: Buffer
  readonly #scratch = Buffer.allocUnsafeSlow(TASK_BYTES + SHORT_CHARACTERS)
  /** by length: what a short key takes of `#scratch` */
  readonly #views: Buffer[] = []
  readonly #slab = new Slab()

  constructor(db: Binary, task: number) {
    this.#db = db
    this.#task = Buffer.allocUnsafe(TASK_BYTES)
    this.#task.writeUInt32BE(task)
    this.#task.copy(this.#scratch)
  }

  get(key: string): Uint8Array | undefined {
    const short = this.#shortKey(key)
    if (short !== null) return this.#valueOf(short)
    const bytes = textBytes(key)
    const stored = this.#db.get(this.#storedKey(bytes))
    if (stored === undefined) return undefined
    return bytes.length > HEAD_BYTES ? longRow(stored).value : stored
  }

  /** Inside a transaction of the caller. */
  put(key: string, value: Uint8Array | null): void {
    const short = this.#shortKey(key)
    if (short !== null) {
      if (value === null) void this.#db.remove(short)
      else void this.#db.put(short, asBuffer(value))
      return
    }
    const bytes = textBytes(key)
    const storedKey = this.#storedKey(bytes)
    if (value === null) void this.#db.remove(storedKey)
    else void this.#db.put(storedKey, bytes.length > HEAD_BYTES ? withKey(bytes, value) : asBuffer(value))
  }

  /** Rows are read in batches, so nothing stays open in LMDB while the caller holds the iterator. */
  *range(prefix: string, after?: string): Generator<readonly [key: string, value: Uint8Array]> {
    const prefixHead = textBytes(prefix).subarray(0, HEAD_BYTES)
    const end = successor(Buffer.concat([this.#task, prefixHead]))
    const first = after !== undefined && compareKeys(after, prefix) > 0 ? textBytes(after).subarray(0, HEAD_BYTES) : prefixHead
    let start: Buffer | undefined = Buffer.concat([this.#task, first])
    let rows: number = FIRST_BATCH_ROWS
    while (start !== undefined) {
      const batch = this.#batch(start, end, rows)
      for (const row of batch.rows) {
        if (row.key.startsWith(prefix) && (after === undefined || compareKeys(row.key, after) > 0)) yield [row.key, row.value]
      }
      start = batch.next
      rows = Math.min(rows * 2, MAX_BATCH_ROWS)
    }
  }

  /** At most `limit` rows, but all of those that share a cut head; `next` is undefined at the end of the range. */
  #batch(start: Buffer, end: Buffer, limit: number): { rows: Row[]; next: Buffer | undefined } {
    const rows: Row[] = []
    for (const { key, value } of this.#db.getRange({ start, end, limit })) {
      if (key.length > TASK_BYTES + HEAD_BYTES) {
        const head = key.subarray(0, TASK_BYTES + HEAD_BYTES)
        rows.push(...this.#sameHead(head))
        return { rows, next: successor(head) }
      }
      rows.push({ key: key.toString('utf8', TASK_BYTES), value })
      if (rows.length === limit) return { rows, next: Buffer.concat([key, ZERO]) }
    }
    return { rows, next: undefined }
  }

  #sameHead(head: Buffer): Row[] {
    const rows: Row[] = []
    for (const { value } of this.#db.getRange({ start: Buffer.concat([head, ZERO]), end: successor(head) })) rows.push(longRow(value))
    return rows.sort((a, b) => compareKeys(a.key, b.key))
  }

  /** The value, in memory that short ones share: LMDB's own is written over by the next read, and a buffer for each costs more than the read. */
  #valueOf(key: Buffer): Uint8Array | undefined {
    const found = this.#db.getBinaryFast(key)
    if (found === undefined) return undefined
    const { length } = found
    const own = this.#slab.take(length)
    found.copy(own, 0, 0, length)
    return own
  }

  /** Nearly every key: short and of ASCII. LMDB takes its bytes before it returns, so one piece of memory does for all. */
  #shortKey(key: string): Buffer | null {
    const { length } = key
    if (length > SHORT_CHARACTERS) return null
    const bytes = this.#scratch
    for (let i = 0; i < length; i++) {
      const unit = key.charCodeAt(i)
      if (unit > 0x7f) return null
      bytes[TASK_BYTES + i] = unit
    }
    return (this.#views[length] ??= bytes.subarray(0, TASK_BYTES + length))
  }

  #storedKey(bytes: Buffer): Buffer {
    if (bytes.length <= HEAD_BYTES) return Buffer.concat([this.#task, bytes])
    return Buffer.concat([this.#task, bytes.subarray(0, HEAD_BYTES), createHash('sha256').update(bytes).digest()])
  }
}

const ZERO = Buffer.of(0)

/** The least key greater than all that begin with `bytes`. Never all 0xff here: a task number begins it. */
function successor(bytes: Buffer): Buffer {
  const next = Buffer.from(bytes)
  let last = next.length - 1
  while (next[last] === 0xff) last--
  next[last]!++
  return next.subarray(0, last + 1)
}

/** 4 bytes length of the key, key, value. */
function withKey(key: Buffer, value: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32LE(key.length)
  return Buffer.concat([length, key, value])
}

function longRow(stored: Buffer): Row {
  const valueAt = 4 + stored.readUInt32LE(0)
  return { key: stored.toString('utf8', 4, valueAt), value: stored.subarray(valueAt) }
}

/** LMDB writes any Uint8Array; its types name what it answers. */
const asBuffer = (bytes: Uint8Array): Buffer => bytes as Buffer
