import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isAlive, thisLife } from '../runtime/process-life.ts'

/** How to reach the process that holds a data directory; readable by its owner only, since it carries the token. */
const Holder = z.strictObject({ url: z.string(), token: z.string(), pid: z.int(), started: z.string().nullable().default(null) })
type Holder = z.infer<typeof Holder>

/** A process that is stopped takes connections and never answers. */
const answerMs = 10_000

const fileOf = (dataDir: string): string => join(dataDir, 'api.json')

/** Of this process. */
export async function announce(dataDir: string, { url, token }: Pick<Holder, 'url' | 'token'>): Promise<void> {
  await writeFile(fileOf(dataDir), `${JSON.stringify({ url, token, ...thisLife() } satisfies Holder)}\n`, { mode: 0o600 })
}

export async function withdraw(dataDir: string): Promise<void> {
  await rm(fileOf(dataDir), { force: true })
}

/**
 * The live holder, or undefined where none runs: a note that a killed process left behind counts for nothing, nor does one whose process
 * can't be reached from here. Who then opens the directory is refused by the log's own lock where somebody has it.
 */
export async function holderOf(dataDir: string): Promise<Holder | undefined> {
  let text: string
  try {
    text = await readFile(fileOf(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const holder = Holder.parse(JSON.parse(text))
  return isAlive(holder) && (await answers(holder)) ? holder : undefined
}

async function answers({ url }: Holder): Promise<boolean> {
  try {
    const { body } = await fetch(new URL('/livez', url), { signal: AbortSignal.timeout(answerMs) })
    await body?.cancel()
    return true
  } catch {
    return false
  }
}
