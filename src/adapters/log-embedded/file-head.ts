import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Of the first two pages, each with a mark behind its header and what its transaction left (LMDB, mdb.c: MDB_page, MDB_meta, MDB_MAGIC). */
const markAt = 24
const mark = 0xbeefc0de
const pageBytesAt = 48
const lastPageAt = 144
const transactionAt = 152
const headBytes = 160
/** A transaction may have given up pages at the end that it had just taken, and these are not written: so many are no damage, bytes. */
const unwrittenBytes = 1024 * 1024

/**
 * What is wrong with a file that is to be an LMDB environment, as far as its first pages and its size tell; null: nothing, or there is none. Where it
 * does not begin as one, or is read beyond its end, the engine ends the process without a word.
 */
export function damageOf(file: string): string | null {
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const { size } = fstatSync(handle)
    if (size === 0) return null
    const first = headAt(handle, 0)
    if (first === null) return 'it does not begin as one'
    const second = headAt(handle, first.pageBytes)
    const { pageBytes, lastPage } = second !== null && second.transaction > first.transaction ? second : first
    const usedBytes = (lastPage + 1) * pageBytes
    return size + unwrittenBytes < usedBytes ? `it is cut off: of ${usedBytes} bytes there are ${size}` : null
  } finally {
    closeSync(handle)
  }
}

interface Head {
  pageBytes: number
  lastPage: number
  transaction: bigint
}

function headAt(handle: number, at: number): Head | null {
  const head = Buffer.alloc(headBytes)
  const read = readSync(handle, head, 0, headBytes, at)
  if (read < headBytes || head.readUInt32LE(markAt) !== mark) return null
  return { pageBytes: head.readUInt32LE(pageBytesAt), lastPage: Number(head.readBigUInt64LE(lastPageAt)), transaction: head.readBigUInt64LE(transactionAt) }
}
