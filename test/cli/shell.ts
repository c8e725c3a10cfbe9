import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url))

export interface Result {
  code: number | null
  out: string
  err: string
}

export interface Started {
  child: ChildProcess
  result: Promise<Result>
  /** what it wrote to standard error until now */
  errors: () => string
}

/** The command line, each command a process of its own, in a directory of its own. */
export class Shell {
  readonly directory = mkdtempSync(join(tmpdir(), 'grantline-cli-'))
  readonly #children: ChildProcess[] = []

  start(...args: string[]): Started {
    const child = spawn(process.execPath, [main, ...args], { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const result = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
    return { child, result, errors: () => err }
  }

  readonly grantline = (...args: string[]): Promise<Result> => this.start(...args).result

  /** Kills what still runs. */
  close(): void {
    for (const child of this.#children.splice(0)) child.kill('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}
