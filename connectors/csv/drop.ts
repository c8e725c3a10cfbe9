import { readdir } from 'node:fs/promises'
import { sep } from 'node:path'
import { ConnectError } from '../../src/ports/connector.ts'

/** In a path: whatever tells one drop from another, in the name of a file or of a directory. */
export const mark = '*'

/**
 * What the mark in these absolute paths stands for in the newest drop, which is the greatest text by code unit of all that is there; null where
 * no path has a mark. Throws ConnectError where nothing is there.
 */
export async function newestDrop(paths: readonly string[]): Promise<string | null> {
  const marked = paths.filter((path) => path.includes(mark))
  if (marked.length === 0) return null
  let newest = ''
  for (const drop of (await Promise.all(marked.map(dropsOf))).flat()) if (drop > newest) newest = drop
  if (newest === '') throw new ConnectError('not-found', 'nothing has been dropped there yet', marked.join(', '))
  return newest
}

async function dropsOf(path: string): Promise<string[]> {
  const at = path.indexOf(mark)
  const begin = path.lastIndexOf(sep, at) + 1
  const end = path.indexOf(sep, at)
  const [before, after] = [path.slice(begin, at), path.slice(at + mark.length, end < 0 ? path.length : end)]
  const names = await listed(path.slice(0, begin))
  return names.filter((name) => name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after))
    .map((name) => name.slice(before.length, name.length - after.length))
}

async function listed(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const errorClass = code === 'ENOENT' ? 'not-found' : code === 'EACCES' || code === 'EPERM' ? 'permission' : 'transient'
    throw new ConnectError(errorClass, `the directory can't be read (${code})`, directory)
  }
}
