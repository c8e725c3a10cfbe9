import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { childEnv } from '../crash/processes.ts'
import type { Orders } from './member.ts'

export interface End {
  code: number | null
  signal: string | null
}

const patienceMs = 180_000
const script = fileURLToPath(new URL('member.ts', import.meta.url))

/** One process of an installation, as its parent sees it. */
export class Process {
  readonly ended: Promise<End>
  readonly #child: ChildProcess
  readonly #orders: Orders
  #said = ''
  #isOver = false

  /** `wrapper`: a program and its arguments that begin the command line */
  constructor(orders: Orders, wrapper: readonly string[] = []) {
    this.#orders = orders
    const [program, ...args] = [...wrapper, process.execPath, '--disable-warning=ExperimentalWarning', script, JSON.stringify(orders)]
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: childEnv })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()))
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }))
  }

  /** on the error output: troubles, and why it ended */
  get said(): string {
    return this.#said
  }

  /** Its end was seen, and was as it had to be. */
  get isOver(): boolean {
    return this.#isOver
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when its fault has fired: it is dead, or stopped. */
  async faulted(): Promise<void> {
    const { marker, fault } = this.#orders
    if (fault === null) throw new Error('it has no fault')
    await this.#until(() => existsSync(marker), `${fault.point} was not reached ${fault.nth} times`)
    if (fault.signal === 'SIGSTOP') return await this.#stopped()
    const { code, signal } = await this.ended
    if (signal !== 'SIGKILL') throw new Error(`it killed itself and ended with ${signal ?? code}:\n${this.#tail()}`)
    this.#isOver = true
  }

  /** Resolves when it has said this. */
  async says(what: RegExp): Promise<void> {
    await this.#until(() => what.test(this.#said), `it did not say ${what}`)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#child.kill(signal)
  }

  /** Resolves when it stands still. */
  async suspend(): Promise<void> {
    this.signal('SIGSTOP')
    await this.#stopped()
  }

  async kill(): Promise<End> {
    if (this.isRunning) this.#child.kill('SIGKILL')
    this.#isOver = true
    return await this.ended
  }

  /** Asks it to end, and waits. Throws unless it ends in order; one that was taken over may have ended by itself, saying so. */
  async stop({ orTakenOver = false } = {}): Promise<void> {
    // before that, nobody listens for the signal
    await this.#until(() => !this.isRunning || /^started$/m.test(this.#said), 'it did not start')
    if (this.isRunning) this.signal('SIGTERM')
    await this.ends()
    const { code, signal } = await this.ended
    const isFenced = code === 3 && /took this (task|publisher) over|was taken over|another sink claimed/.test(this.#said)
    if (code !== 0 && !(orTakenOver && isFenced)) throw new Error(`a process ended with ${signal ?? code}:\n${this.#tail()}`)
    this.#isOver = true
  }

  async ends(): Promise<End> {
    await this.#until(() => !this.isRunning, 'it did not end')
    return await this.ended
  }

  async #stopped(): Promise<void> {
    await this.#until(() => this.#state() === 'T', 'it did not stop')
  }

  async #until(isSo: () => boolean, otherwise: string): Promise<void> {
    for (const deadline = performance.now() + patienceMs; !isSo(); await sleep(20)) {
      if (performance.now() > deadline) throw new Error(`${otherwise} within ${patienceMs} ms:\n${this.#tail()}`)
      if (!this.isRunning && !isSo()) {
        await this.ended
        throw new Error(`${otherwise} before it ended with ${this.#child.signalCode ?? this.#child.exitCode}:\n${this.#tail()}`)
      }
    }
  }

  /** As the system says it: T is stopped. */
  #state(): string | undefined {
    return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1]
  }

  #tail(): string {
    return this.#said.slice(-3_000)
  }
}
