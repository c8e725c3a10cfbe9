import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where downloads stay between runs: `GRANTLINE_CACHE`, so that several checkouts share one, or `.cache` of this one. */
export const cacheDir = process.env['GRANTLINE_CACHE'] ?? join(import.meta.dirname, '../../.cache')

const installTimeoutMs = 600_000

/**
 * Runs `install` unless it has finished for this directory before. One process installs, others wait for it; a lock left by one
 * that was killed is taken over.
 */
export async function installOnce(home: string, install: () => Promise<void>): Promise<void> {
  const installed = join(home, 'installed')
  const lock = `${home}.lock`
  const deadline = performance.now() + installTimeoutMs
  mkdirSync(dirname(home), { recursive: true })
  while (!existsSync(installed)) {
    if (takeLock(lock)) {
      try {
        await install()
        writeFileSync(installed, '')
      } finally {
        rmdirSync(lock)
      }
    } else if (performance.now() > deadline) throw new Error(`another process still installs it (or remove ${lock})`)
    else await sleep(250)
  }
}

function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if (!existsSync(lock)) throw error
    const ageMs = Date.now() - statSync(lock).mtimeMs
    if (ageMs > installTimeoutMs) rmdirSync(lock)
    return false
  }
}

/** Runs a program to its end. Throws, with the last line that it said, where that is not 0. */
export async function finish(program: string, args: readonly string[], { env = process.env, cwd = process.cwd() }: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd })
  let said = ''
  const listen = (chunk: Buffer): void => {
    said = `${said}${chunk.toString()}`.slice(-4000)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${said.trim().split('\n').at(-1)}`)
}
