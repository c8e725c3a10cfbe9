import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** How to reach the process that holds a data directory; readable by its owner only, since it carries the token. */
const Holder = z.strictObject({ url: z.string(), token: z.string(), pid: z.int() })
export type Holder = z.infer<typeof Holder>

const fileOf = (dataDir: string): string => join(dataDir, 'api.json')

export async function announce(dataDir: string, holder: Holder): Promise<void> {
  await writeFile(fileOf(dataDir), `${JSON.stringify(holder)}\n`, { mode: 0o600 })
}

export async function withdraw(dataDir: string): Promise<void> {
  await rm(fileOf(dataDir), { force: true })
}

/** The live holder, or undefined where none runs: a note that a killed process left behind counts for nothing. */
export async function holderOf(dataDir: string): Promise<Holder | undefined> {
  let text: string
  try {
    text = await readFile(fileOf(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const holder = Holder.parse(JSON.parse(text))
  return isAlive(holder.pid) ? holder : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
