import { closeSync, openSync, readSync } from 'node:fs'

/** The first page's mark, behind its header (LMDB, mdb.c: MDB_page, MDB_meta, MDB_MAGIC). */
const markAt = 24
const mark = 0xbeefc0de

/** Whether the file is there and does not begin as LMDB's do. Where it does not, the engine ends the process without a word. */
export function isNoEnvironment(file: string): boolean {
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  try {
    const head = Buffer.alloc(markAt + 4)
    return readSync(handle, head, 0, head.length, 0) > 0 && head.readUInt32LE(markAt) !== mark
  } finally {
    closeSync(handle)
  }
}
