import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { open } from 'lmdb'
import { reasonOf } from '../../core/reason.ts'
import { syncPath } from '../../runtime/sync-path.ts'
import { damaged, fileOf } from './environment.ts'
import { damageOf } from './file-head.ts'

interface CopyOptions {
  /** the log's own directory */
  path: string
  /** made where it is not there; must be empty. It becomes a log's own directory */
  target: string
  /** bytes that are written, and about how many there will be */
  onProgress: (done: number, of: number) => void
}

/** How often whoever waits hears how far it is, ms. */
const progressMs = 500

/**
 * Copies a log as it stands at one moment, while another process has it open and goes on working: everything that was committed by then, in
 * every partition and every state, and nothing of later (mdb_env_copy2 reads within one transaction). Takes no task and no lock, writes nothing
 * to the log. Pages that are free are left out. The copy gets its name when it is whole and on disk. Answers its size in bytes.
 */
export async function copyEmbeddedLog({ path, target, onProgress }: CopyOptions): Promise<number> {
  const source = fileOf(path)
  if (!existsSync(source)) throw new Error(`${source} is not there: there is no log to copy`)
  const found = damageOf(source)
  if (found !== null) throw damaged(path, found)
  await mkdir(target, { recursive: true, mode: 0o700 })
  if ((await readdir(target)).length > 0) throw new Error(`${target} is not empty: name a directory that is`)
  const whole = fileOf(target)
  const partial = `${whole}.partial`
  const { size: about } = await stat(source)
  const env = open({ path: source, maxDbs: 8, encoding: 'binary', keyEncoding: 'binary', readOnly: true })
  const watch = setInterval(() => {
    void stat(partial).then(({ size }) => onProgress(size, about), () => undefined)
  }, progressMs)
  try {
    await env.backup(partial, true)
    await syncPath(partial)
    await rename(partial, whole)
    await syncPath(target)
    await syncPath(dirname(target))
    return (await stat(whole)).size
  } catch (error) {
    await rm(partial, { force: true })
    throw new Error(`${source} could not be copied to ${target}: ${reasonOf(error)}`, { cause: error })
  } finally {
    clearInterval(watch)
    await env.close()
  }
}
