import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Kafka as KafkaClient } from 'kafkajs'
import { z } from 'zod'
import { Kafka, logLevel } from '../../src/adapters/log-kafka/kafkajs.ts'

/** How the peer gets its accounts: one record each, or 250 in a message as ours do. */
export type Variant = 'records' | 'chunks'

const Measured = z.object({ seconds: z.number(), cpuSeconds: z.number(), anonymousMb: z.number() })
export type Measured = z.infer<typeof Measured>

export interface PeerResult {
  first: Measured
  unchanged: Measured
  /** `unauthorised-grant bench/a25 perm-001`, sorted */
  findings: string[]
}

const project = fileURLToPath(new URL('kafka-streams', import.meta.url))
const topics = ['peer-desired', 'peer-accounts', 'peer-findings']

/** Builds the Kafka Streams application; needs a JDK of 17 or later and Maven. */
export function buildPeer(): void {
  const { status, error } = spawnSync('mvn', ['-q', '-B', '-f', join(project, 'pom.xml'), 'package'], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`the Kafka Streams peer can't be built${error === undefined ? '' : `: ${error.message}`}. It needs a JDK of 17 or later (openjdk-17-jdk-headless) and maven`)
}

/** W(n), a first and an unchanged snapshot, on this broker. Its topics are made for it and removed again. */
export async function runPeer(brokers: readonly string[], partitions: number, n: number, variant: Variant): Promise<PeerResult> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20, initialRetryTime: 50 } })
  const admin = kafka.admin()
  await admin.connect()
  const stateDir = mkdtempSync(join(tmpdir(), 'grantline-peer-'))
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1 })) })
  const peer = new Peer(brokers, partitions, stateDir, variant)
  const load = (what: string): void => run(['load', brokers.join(','), String(partitions), what, String(n), variant])
  try {
    load('intent')
    await peer.ask('pause')
    load('snapshot')
    const first = Measured.parse(JSON.parse(await peer.ask('measure')))
    await peer.ask('pause')
    load('snapshot')
    const unchanged = Measured.parse(JSON.parse(await peer.ask('measure')))
    return { first, unchanged, findings: await openFindings(kafka) }
  } finally {
    await peer.end()
    const all = await admin.listTopics()
    await admin.deleteTopics({ topics: all.filter((topic) => topic.startsWith('peer-')) })
    await admin.deleteGroups(['peer']).catch(() => undefined) // where the application never got as far as joining
    await admin.disconnect()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

const java = ['-XX:+UseParallelGC', '-Xms128m', '-Xmx768m', '-cp', `${join(project, 'target/kafka-streams-peer-1.jar')}:${join(project, 'target/dependency/*')}`, 'peer.Peer']

function run(args: readonly string[]): void {
  const { status } = spawnSync('java', [...java, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`the peer's ${args.join(' ')} ended with ${status ?? 'a signal'}`)
}

class Peer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: Interface
  readonly #ended: Promise<void>

  constructor(brokers: readonly string[], partitions: number, stateDir: string, variant: Variant) {
    this.#process = spawn('java', [...java, 'run', brokers.join(','), String(partitions), stateDir, variant], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#process.stdout })
    this.#ended = new Promise((resolve) => this.#process.once('exit', () => resolve()))
  }

  /** Its answer to one line; rejects if it ends instead. */
  async ask(line: string): Promise<string> {
    const answer = new Promise<string>((resolve) => this.#lines.once('line', resolve))
    this.#process.stdin.write(`${line}\n`)
    const ended = this.#ended.then(() => Promise.reject(new Error(`the peer ended at ${line}`)))
    return await Promise.race([answer, ended])
  }

  async end(): Promise<void> {
    this.#process.stdin.end()
    await this.#ended
  }
}

/** What is open at the end, of what was told with read_committed. */
async function openFindings(kafka: KafkaClient): Promise<string[]> {
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets('peer-findings')
  await admin.disconnect()
  const waiting = new Set(ends.filter(({ high }) => high !== '0').map(({ partition }) => partition))
  const open = new Set<string>()
  if (waiting.size === 0) return []
  const consumer = kafka.consumer({ groupId: `peer-reader-${Date.now()}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topics: ['peer-findings'], fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) {
            const [change, ...finding] = value!.toString().split(' ')
            if (change === 'opened') open.add(finding.join(' '))
            else open.delete(finding.join(' '))
          }
          // the last offset of a transaction is its marker, which no reader sees
          const end = Number(ends.find(({ partition }) => partition === batch.partition)!.high)
          if (Number(batch.lastOffset()) >= end - 2) waiting.delete(batch.partition)
          if (waiting.size === 0) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return [...open].sort()
}
