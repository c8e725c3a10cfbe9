import { open } from 'node:fs/promises'

/** What is written in a file, or renamed in a directory, is so after a power cut, too (fsync). */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
