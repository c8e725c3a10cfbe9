import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { jsonOrNull } from '../../core/json.ts'
import { isAlive, thisLife } from '../../runtime/process-life.ts'

/** A lock file that can't be parsed is being written this moment; one this old was left half written by a crash. */
const HALF_WRITTEN_MS = 5_000

const Holder = z.object({ pid: z.int(), started: z.string().nullable(), token: z.string() })
type Holder = z.infer<typeof Holder>

/** Tokens of the locks that this process holds. */
const held = new Set<string>()

export interface ProcessLock {
  release(): void
}

/**
 * Makes this process the only holder of `file` until `release` or its death. Throws if a living process holds it.
 * A lock whose process is gone is taken over. Does not protect against processes of another machine or process namespace.
 */
export function acquireLock(file: string): ProcessLock {
  const mine: Holder = { ...thisLife(), token: randomUUID() }
  if (!create(file, mine)) takeOver(file, mine)
  held.add(mine.token)
  return {
    release() {
      held.delete(mine.token)
      if (holderOf(file)?.token === mine.token) rmSync(file)
    },
  }
}

/** Only one process replaces a dead one's lock: whoever made the `.takeover` file, having looked at the lock once more. */
function takeOver(file: string, mine: Holder): void {
  refuseLiving(file)
  const marker = `${file}.takeover`
  if (!create(marker, mine)) {
    throw new Error(`${file} is being taken over by another process. Try again; if this stays, no process is using it: remove ${marker}`)
  }
  try {
    refuseLiving(file)
    const next = `${file}.${mine.token}`
    writeFileSync(next, JSON.stringify(mine))
    renameSync(next, file)
  } finally {
    rmSync(marker)
  }
}

function create(file: string, holder: Holder): boolean {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function refuseLiving(file: string): void {
  const holder = holderOf(file)
  if (holder === null || !holds(holder)) return
  const who = holder.pid === process.pid ? 'this process has it open already' : `process ${holder.pid} has it open`
  throw new Error(`${file}: ${who}. One process at a time may use this data directory: stop that one first`)
}

/** null: no lock, or one that its writer never finished. */
function holderOf(file: string): Holder | null {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const parsed = Holder.safeParse(jsonOrNull(text))
  if (parsed.success) return parsed.data
  const ageMs = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  if (ageMs > HALF_WRITTEN_MS) return null
  throw new Error(`${file} is being written by another process. Try again in a few seconds`)
}

/** Of our own pid only what this process holds counts: after a restart in a container it may be another's. */
const holds = (holder: Holder): boolean => (holder.pid === process.pid ? held.has(holder.token) : isAlive(holder))
