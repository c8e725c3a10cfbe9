import { statfs } from 'node:fs/promises'

interface FailedCommit extends Error {
  /** rejects with what the engine said, and is nobody's otherwise */
  commitError: Promise<never>
}

const isFailedCommit = (error: unknown): error is FailedCommit => error instanceof Error && 'commitError' in error

/**
 * lmdb 3.5 makes a promise of each turn's batch of writes (write.js) that no caller gets. Where a commit fails, it would end the process
 * before those who wait for the commit could do what they do about it.
 */
function leaveToCallers(): void {
  process.on('unhandledRejection', (reason) => {
    if (isFailedCommit(reason)) reason.commitError.catch(() => undefined)
    else if (process.listenerCount('unhandledRejection') === 1) throw reason
  })
}
leaveToCallers()

/** Less than this, and the disk is what failed, bytes. */
const fullBytes = 16 * 1024 * 1024

/** `write` in the LMDB environment at `path`; where the engine fails, the error says where, and whether the disk is full. */
export async function onDisk<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isFailedCommit(error)) throw error
    const cause: unknown = await error.commitError.catch((said: unknown) => said)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`writing to ${path} failed: ${reason}${await roomAt(path)}`, { cause })
  }
}

async function roomAt(path: string): Promise<string> {
  const { bavail, bsize } = await statfs(path)
  const freeBytes = bavail * bsize
  return freeBytes < fullBytes ? `. Its disk is full (${Math.floor(freeBytes / 1024)} KiB free): make room there` : ''
}
