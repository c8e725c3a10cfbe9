import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Admin } from 'kafkajs'
import { z } from 'zod'
import type { Topic } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts'
import { processors } from '../../processors/registry.ts'
import { taskId } from '../../src/runtime/task.ts'
import { programEnvironment, programFlags } from '../flags.ts'
import type { Orders } from './worker.ts'

const Said = z.object({
  ready: z.boolean().optional(),
  owned: z.record(z.string(), z.array(z.int())).optional(),
  restored: z.string().optional(),
  followed: z.string().optional(),
  rows: z.int().optional(),
})
export type Said = z.infer<typeof Said> & { ms: number }

const script = fileURLToPath(new URL('worker.ts', import.meta.url))
const pollMs = 20
/** Inputs of processors that a snapshot and its intent reach. */
const inputs = ['intent', 'raw', 'facts'] as const
/** Having passed these is told to the group with the next commit, for which a clock that stands still gives no reason. */
const ofTheRuntime: ReadonlySet<string> = new Set(['Tick', 'Epoch'])

/** One process of the group. */
export class Worker {
  /** `ms`: performance.now() */
  readonly said: Said[] = []
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #ended: Promise<void>

  constructor(orders: Orders) {
    this.#process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...programFlags, script, JSON.stringify(orders)], { stdio: ['pipe', 'pipe', 'inherit'], env: programEnvironment })
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.said.push({ ...Said.parse(JSON.parse(line)), ms: performance.now() }))
    this.#ended = new Promise((resolve) => this.#process.once('close', () => resolve()))
  }

  async ready(): Promise<this> {
    await until(() => this.said.some(({ ready }) => ready === true), 'a worker is ready')
    return this
  }

  go(): void {
    this.#process.stdin.write('go\n')
  }

  /** What was given to it last. */
  get owned(): Readonly<Record<string, readonly number[]>> {
    return this.said.findLast(({ owned }) => owned !== undefined)?.owned ?? {}
  }

  /** The tasks of that. */
  get tasks(): string[] {
    return processors.flatMap((type) => (this.owned[type.input] ?? []).map((partition) => taskId(type, partition)))
  }

  /** Whether it has the state of this task, or had it. */
  had(task: string): boolean {
    return this.said.some(({ restored }) => restored === task)
  }

  /** Stops it where it stands; the group waits for as long as its session. */
  pause(): void {
    this.#process.kill('SIGSTOP')
  }

  resume(): void {
    this.#process.kill('SIGCONT')
  }

  kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    return this.#ended
  }

  async stop(): Promise<void> {
    this.#process.stdin.end()
    await this.#ended
  }

  /** Of its life, all threads: user and system, fields 14 and 15 of /proc/<pid>/stat, in hundredths of a second. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8')
    const [user = '0', system = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13)
    return (Number(user) + Number(system)) / 100
  }
}

/** How far the group is, `topic/partition` -> offset: what stands in the transactions of the outputs themselves. */
export async function positions(admin: Admin, prefix: string): Promise<Map<string, number>> {
  const answer = await admin.fetchOffsets({ groupId: `${prefix}processors`, topics: inputs.map((topic) => prefix + topic) })
  return new Map(answer.flatMap(({ topic, partitions }) => partitions.map(({ partition, offset }) => [`${topic.slice(prefix.length)}/${partition}`, Math.max(0, Number(offset))] as const)))
}

/** Resolves when all that was written there until now can be read: the offsets of a commit may be told before its records. */
export async function visible(log: KafkaLog, admin: Admin, prefix: string, topics: readonly Topic[]): Promise<void> {
  for (const topic of topics) {
    for (const { partition, high } of await admin.fetchTopicOffsets(prefix + topic)) {
      await until(async () => (await log.end(topic, partition)) >= Number(high), `no transaction is open in ${topic}/${partition}`)
    }
  }
}

/** Resolves when every input is processed to its end, which two looks in a row have to find. */
export async function drained(log: KafkaLog, admin: Admin, prefix: string): Promise<void> {
  const codec = createFileCodec(log.schemas)
  for (let calm = 0; calm < 2; ) {
    const at = await positions(admin, prefix)
    const waiting = await Promise.all(
      [...at].map(async ([place, offset]) => {
        const [topic, partition] = place.split('/') as [(typeof inputs)[number], string]
        const messages = await log.read(topic, Number(partition), offset, { maxMessages: 100, maxBytes: 64 * 1024 })
        return messages.some(({ value }) => codec.decode(topic, value).some(({ type }) => !ofTheRuntime.has(type)))
      }),
    )
    calm = waiting.includes(true) ? 0 : calm + 1
    if (calm === 1) await visible(log, admin, prefix, inputs)
    await sleep(pollMs)
  }
}

export async function until(isSo: () => boolean | Promise<boolean>, what: string, timeoutMs = 300_000): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !(await isSo()); await sleep(pollMs)) {
    if (performance.now() > deadline) throw new Error(`after ${timeoutMs / 1_000} s it is not so that ${what}`)
  }
}
