import type { Admin, Kafka } from 'kafkajs'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { reach } from '../../core/fault.ts'
import { compareKeys } from '../../core/order.ts'
import type { SharedRole } from '../../ports/assignment.ts'
import type { Append, Message, ReadLimits, TaskStore } from '../../ports/log.ts'
import type { Filling, PortableLog } from '../../ports/portable-log.ts'
import { openedRecord, restore, tasksIn, type RestoreProgress } from './changelog.ts'
import { createClient, type ClientOptions } from './client.ts'
import { clusterOf, type Cluster } from './internals.ts'
import { groupOf } from './kafka-assignment.ts'
import { KafkaFilling } from './kafka-filling.ts'
import { KafkaSchemas } from './kafka-schemas.ts'
import { KafkaTask } from './kafka-task.ts'
import { messageOf } from './message.ts'
import { otherTopics } from './other-topics.ts'
import { Reader } from './reader.ts'
import { Standby } from './standby.ts'
import { isFresh, StateCache, type Mark } from './state-cache.ts'
import { Tail } from './tail.ts'
import { changelogOf, ensureTopics, otherChangelogs, processorTasks, schemasTopic, topicName, type TopicOptions } from './topics.ts'
import { Transactor } from './transactor.ts'

export interface KafkaLogOptions extends ClientOptions, TopicOptions {
  /** directory of the local copies of states: made when the first task is opened, so readers need none */
  path: string
  transactionTimeoutMs: number
  onRestore: (progress: RestoreProgress) => void
  /** whether copies of the states of processors are kept that others own; it begins when the first task is opened */
  standby: boolean
  onStandby: (progress: RestoreProgress) => void
}

interface Local {
  cache: StateCache
  standby: Standby
}

/** The log on Kafka. Topics are created where they are missing; throws where they are not as they have to be. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const readers = createClient(options, 'reader')
  const producers = createClient(options, 'producer')
  const admin = readers.admin()
  const reading = clusterOf(readers)
  const waiting = clusterOf(readers)
  try {
    await admin.connect()
    const topics = await ensureTopics(admin, options)
    const { clusterId } = await admin.describeCluster()
    for (const cluster of [reading, waiting]) {
      await cluster.connect()
      await untilKnown(cluster, topics)
    }
    const reader = new Reader(reading, options.transactionTimeoutMs)
    const own = schemasTopic(options.prefix)
    const schemas = await KafkaSchemas.open({
      kafka: producers, reader, topic: own, transactionTimeoutMs: options.transactionTimeoutMs,
      others: otherTopics(reading, own, topics.filter((topic) => topic !== own), options.log),
    })
    return new KafkaLog(options, { producers, admin, reading, waiting, reader, clusterId, schemas })
  } catch (error) {
    await Promise.allSettled([admin.disconnect(), reading.disconnect(), waiting.disconnect()])
    throw error
  }
}

const roles: readonly SharedRole[] = ['processors', 'connectors', 'sink']

/** A topic that was created just now is not known to every broker at once. A partition that has no leader now concerns those who have its task. */
async function untilKnown(cluster: Cluster, topics: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await cluster.addMultipleTargetTopics(topics)
      await cluster.refreshMetadata()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

interface Parts {
  producers: Kafka
  admin: Admin
  reading: Cluster
  waiting: Cluster
  reader: Reader
  clusterId: string
  schemas: KafkaSchemas
}

export class KafkaLog implements PortableLog {
  readonly partitions: Readonly<Record<Topic, number>>
  /** As Kafka Streams has it for exactly-once (`commit.interval.ms`, KIP-447). */
  readonly commitGapMs = 100
  readonly schemas: KafkaSchemas
  /** directory of the local copies of states */
  readonly path: string
  readonly #options: KafkaLogOptions
  readonly #parts: Parts
  readonly #tail: Tail
  readonly #tasks = new Map<string, KafkaTask>()
  #local: Local | null = null
  #closed = false

  constructor(options: KafkaLogOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    this.#tail = new Tail(parts.waiting, parts.reader)
    this.partitions = { ...options.partitions }
    this.path = options.path
    this.schemas = parts.schemas
  }

  async read(topic: Topic, partition: number, offset: number, limits: ReadLimits): Promise<Message[]> {
    this.#check(topic, partition)
    const found = await this.#parts.reader.read(topicName(this.#options.prefix, topic), partition, Math.max(offset, 0), limits.maxBytes)
    const messages: Message[] = []
    let bytes = 0
    for (const raw of found) {
      const message = messageOf(raw)
      bytes += message.value.length
      if (messages.length > 0 && (bytes > limits.maxBytes || messages.length >= limits.maxMessages)) break
      messages.push(message)
    }
    await this.schemas.know(messages)
    return messages
  }

  async end(topic: Topic, partition: number): Promise<number> {
    this.#check(topic, partition)
    return await this.#parts.reader.end(topicName(this.#options.prefix, topic), partition)
  }

  async waitFor(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    this.#check(topic, partition)
    await this.#tail.wait(topicName(this.#options.prefix, topic), partition, offset, signal)
  }

  async openTask(id: string): Promise<TaskStore> {
    this.#requireOpen()
    const local = (this.#local ??= this.#openLocal())
    const release = await local.standby.hold(id)
    try {
      return await local.standby.after(this.#open(id, local, release))
    } catch (error) {
      release()
      throw error
    }
  }

  async #open(id: string, { cache, standby }: Local, release: () => void): Promise<KafkaTask> {
    const { prefix, transactionTimeoutMs } = this.#options
    const { producers, reader, schemas } = this.#parts
    const changelog = changelogOf(this.#options, id)
    const transactor = await Transactor.open(producers, `${prefix}${id}`, transactionTimeoutMs)
    try {
      reach('kafka.after-fence')
      await this.#tasks.get(id)?.supersede()
      const { table, mark } = await cache.task(id, `${changelog.topic}/${changelog.partition}`)
      // its append time is what the broker's clock says now, its offset is where the predecessors' rows end
      const opened = await transactor.write([openedRecord(changelog, id, Date.now())], null, { offsets: () => undefined, commit: () => undefined })
      const now: Mark = { offset: opened.offsets[0]! + 1, atMs: opened.appendedMs ?? Date.now() }
      standby.told(now.atMs)
      const from = this.#isTrusted(mark, now) ? mark.offset : 0
      if (from === 0) await cache.wipe(id)
      await restore({
        reader, changelog, id, from, to: now.offset,
        apply: (changes) => cache.apply(id, table, changes, null),
        onProgress: this.#options.onRestore,
      })
      await cache.apply(id, table, [], now)
      const task = new KafkaTask({
        id, prefix, changelog, transactor, cache, table, reader, transactionTimeoutMs, release,
        opened: now.offset,
        group: groupOf(prefix, 'processors'),
        check: (appends) => this.#checkAll(appends),
        schemasWritten: () => schemas.written(),
        now: Date.now,
      })
      this.#tasks.set(id, task)
      return task
    } catch (error) {
      await transactor.close()
      throw error
    }
  }

  get id(): string {
    return this.#parts.schemas.id
  }

  get filling(): string | null {
    return this.schemas.filling
  }

  async taskIds(): Promise<string[]> {
    const { processors } = this.#options
    const found = await Promise.all(otherChangelogs(this.#options).map((changelog) => tasksIn(this.#parts.reader, changelog)))
    return [...new Set([...processorTasks(processors), ...found.flatMap((ids) => [...ids])])].sort(compareKeys)
  }

  /** Processes that share partitions out among them. One with no role but `api` is not among them. */
  async others(): Promise<string | null> {
    const { groups } = await this.#parts.admin.describeGroups(roles.map((role) => groupOf(this.#options.prefix, role)))
    const active = groups.filter(({ members }) => members.length > 0)
    return active.length === 0 ? null : active.map(({ groupId, members }) => `group ${groupId} has ${members.length} members`).join(', ')
  }

  async fill(source: string): Promise<Filling> {
    this.#requireOpen()
    const { prefix, transactionTimeoutMs } = this.#options
    const { producers: kafka, reading: cluster, reader, schemas } = this.#parts
    const filling = await KafkaFilling.open({ kafka, cluster, reader, schemas, prefix, transactionTimeoutMs })
    await schemas.noteFilling(source)
    return filling
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#local?.standby.stop()
    this.#tail.close()
    const { admin, reading, waiting, schemas } = this.#parts
    await Promise.all([...this.#tasks.values()].map((task) => task.close()))
    await Promise.allSettled([schemas.close(), admin.disconnect(), reading.disconnect(), waiting.disconnect()])
    await this.#local?.cache.close()
  }

  #openLocal(): Local {
    const { deleteRetentionMs, standby, processors, onStandby: onProgress, log } = this.#options
    const { clusterId, reader, schemas } = this.#parts
    const cache = StateCache.open(this.path, { cluster: clusterId, log: schemas.incarnation })
    const followed = standby ? processorTasks(processors).map((id) => [id, changelogOf(this.#options, id)] as const) : []
    return { cache, standby: new Standby({ cache, reader, tail: this.#tail, deleteRetentionMs, onProgress, log }, new Map(followed)) }
  }

  /** A mark beyond the changelog's end is of another one. */
  #isTrusted(mark: Mark | null, now: Mark): mark is Mark {
    return mark !== null && mark.offset < now.offset && isFresh(mark, now.atMs, this.#options.deleteRetentionMs)
  }

  #checkAll(appends: readonly Append[]): void {
    this.#requireOpen()
    for (const { topic, partition } of appends) this.#check(topic, partition)
  }

  #check(topic: Topic, partition: number): void {
    this.#requireOpen()
    const count = (this.partitions as Readonly<Record<string, number | undefined>>)[topic] ?? 0
    if (!Number.isInteger(partition) || partition < 0 || partition >= count) throw new Error(`topic ${topic} has no partition ${partition}: it has ${count}, numbered from 0`)
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('the log is closed')
  }
}
