import type { Admin, ITopicConfig } from 'kafkajs'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { partitionOf } from '../../core/partition.ts'
import { ConfigResourceTypes } from './kafkajs.ts'

export interface TopicOptions {
  /** begins the name of every topic, transactional id and group: one for each installation on a cluster */
  prefix: string
  partitions: Readonly<Record<Topic, number>>
  /** processor -> partitions of its input: each gets a changelog with as many */
  processors: Readonly<Record<string, number>>
  /** copies of each partition; -1 takes the broker's default */
  replication: number
  /** how long changelogs keep the mark of a deleted row, ms */
  deleteRetentionMs: number
}

export interface Changelog {
  topic: string
  partition: number
}

/** Inputs of processors and what people decide by: never to be deleted, or nothing could be derived again. */
const kept: ReadonlySet<Topic> = new Set<Topic>(['raw', 'intent', 'facts', 'actions', 'commands', 'dead-letters', 'rulings'])

export const maxMessageBytes = 16 * 1024 * 1024
const otherStates = 8

export const topicName = (prefix: string, topic: Topic): string => `${prefix}${topic}`
export const schemasTopic = (prefix: string): string => `${prefix}schemas`
const stateTopic = (prefix: string, processor: string): string => `${prefix}state-${processor}`

/** Where the state of a task is kept. `task/<processor>/<partition>` has a partition of its own, others share some. */
export function changelogOf({ prefix, processors }: TopicOptions, id: string): Changelog {
  const [, processor, number] = /^task\/([^/]+)\/(\d+)$/.exec(id) ?? []
  const count = processor === undefined ? undefined : processors[processor]
  if (processor !== undefined && count !== undefined && Number(number) < count) return { topic: stateTopic(prefix, processor), partition: Number(number) }
  return { topic: stateTopic(prefix, 'others'), partition: partitionOf(id, otherStates) }
}

export const processorTasks = (processors: TopicOptions['processors']): string[] =>
  Object.entries(processors).flatMap(([name, count]) => Array.from({ length: count }, (_, partition) => `task/${name}/${partition}`))

/** The partitions that hold the states of all tasks but those of processors. */
export const otherChangelogs = ({ prefix }: TopicOptions): Changelog[] => Array.from({ length: otherStates }, (_, partition) => ({ topic: stateTopic(prefix, 'others'), partition }))

interface Wanted {
  topic: string
  partitions: number
  config: Record<string, string>
  /** settings that may be others where the topic exists already */
  free: readonly string[]
}

/** Creates what is missing. Throws where a topic exists with other settings than the log needs, naming each. */
export async function ensureTopics(admin: Admin, options: TopicOptions): Promise<string[]> {
  const wanted = wantedTopics(options)
  const existing = new Set(await admin.listTopics())
  const missing = wanted.filter(({ topic }) => !existing.has(topic))
  if (missing.length > 0) {
    await admin.createTopics({ topics: missing.map((topic) => creation(topic, options.replication)), waitForLeaders: false })
  }
  await refuseOthers(admin, wanted.filter(({ topic }) => existing.has(topic)), options.replication)
  return wanted.map(({ topic }) => topic)
}

function wantedTopics({ prefix, partitions, processors, deleteRetentionMs }: TopicOptions): Wanted[] {
  const large = { 'max.message.bytes': String(maxMessageBytes) }
  const data = topicNames.map((topic) => ({
    topic: topicName(prefix, topic),
    partitions: partitions[topic],
    // a message carries the time of its first cause, however long ago that was
    config: { ...large, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', 'message.timestamp.type': 'CreateTime', 'message.timestamp.after.max.ms': '9223372036854775807' },
    free: kept.has(topic) ? [] : ['retention.ms', 'retention.bytes'],
  }))
  const compacted = { ...large, 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' }
  const states = Object.entries({ ...processors, others: otherStates }).map(([processor, count]) => ({
    topic: stateTopic(prefix, processor),
    partitions: count,
    config: { ...compacted, 'delete.retention.ms': String(deleteRetentionMs), 'segment.bytes': String(64 * 1024 * 1024) },
    free: ['segment.bytes'],
  }))
  return [...data, ...states, { topic: schemasTopic(prefix), partitions: 1, config: compacted, free: [] }]
}

const creation = ({ topic, partitions, config }: Wanted, replication: number): ITopicConfig => ({
  topic,
  numPartitions: partitions,
  replicationFactor: replication,
  configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
})

async function refuseOthers(admin: Admin, wanted: readonly Wanted[], replication: number): Promise<void> {
  if (wanted.length === 0) return
  const { topics } = await admin.fetchTopicMetadata({ topics: wanted.map(({ topic }) => topic) })
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: wanted.map(({ topic }) => ({ type: ConfigResourceTypes.TOPIC, name: topic })) })
  const wrong: string[] = []
  for (const { topic, partitions, config, free } of wanted) {
    const found = topics.find(({ name }) => name === topic)?.partitions ?? []
    if (found.length !== partitions) wrong.push(`${topic} has ${found.length} partitions, the configuration says ${partitions}`)
    const copies = Math.min(...found.map(({ replicas }) => replicas.length))
    // more may be on their way to other brokers
    if (copies < replication) wrong.push(`${topic} has ${copies} copies of a partition, the configuration says ${replication}`)
    const entries = resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? []
    for (const [name, value] of Object.entries(config)) {
      const actual = entries.find(({ configName }) => configName === name)?.configValue
      if (actual !== value && !free.includes(name)) wrong.push(`${topic} has ${name}=${actual ?? '?'}, the log needs ${value}`)
    }
  }
  if (wrong.length === 0) return
  throw new Error(`topics on the brokers are not as this log needs them: ${wrong.join('; ')}. Change them there, or use another kafka.prefix`)
}
