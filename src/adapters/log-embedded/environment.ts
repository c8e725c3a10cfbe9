import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { z } from 'zod'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { compareKeys } from '../../core/order.ts'
import { damageOf } from './file-head.ts'
import { acquireLock, type ProcessLock } from './process-lock.ts'

/** `disk`: an acknowledged commit survives a power cut. `process`: it survives the death of the process only; for tests. */
type Durability = 'disk' | 'process'

export interface EmbeddedOptions {
  /** the log's own directory; made if it does not exist */
  path: string
  partitions: Readonly<Record<Topic, number>>
  durability: Durability
}

type Binary = Database<Buffer, Buffer>

/** The databases of one LMDB environment, which this process alone has open. */
export interface Environment {
  path: string
  /** null: another thread of this process holds it */
  lock: ProcessLock | null
  root: RootDatabase<Buffer, Buffer>
  /** layout.ts: message key -> message */
  messages: Binary
  /** layout.ts: partition key -> offset of the next message */
  ends: Binary
  /** state-table.ts: task number and key -> value */
  state: Binary
  /** task id -> { number, epoch } */
  tasks: Database<unknown, string>
  /** `generation`; `id`: the log's; `filling`: what it is being filled with */
  meta: Database<unknown, string>
  /** schema id -> stored schema */
  schemas: Database<unknown, number>
  /** topic -> its number in keys */
  topics: ReadonlyMap<Topic, number>
}

/** 4: values may be packed (packed-value.ts). */
const FORMAT = 4
/** Of those before, which are read as they are, and are of this one from then on. */
const OLDEST_FORMAT = 3
const Generation = z.object({
  format: z.int(),
  /** numbers are never given to another topic */
  topics: z.record(z.string(), z.object({ number: z.int(), partitions: z.int() })),
})
type Generation = z.infer<typeof Generation>

/** Throws if another process has it open, if it was made with other partition counts, or by a release with another format. */
export async function openEnvironment(options: EmbeddedOptions): Promise<Environment> {
  mkdirSync(options.path, { recursive: true })
  const lock = acquireLock(join(options.path, 'process.lock'))
  try {
    const found = damageOf(fileOf(options.path))
    if (found !== null) throw damaged(options.path, found)
    return await openLocked(options, lock)
  } catch (error) {
    lock.release()
    throw error instanceof Error && error.message.startsWith('MDB_') ? damaged(options.path, error.message) : error
  }
}

/** Of a log's own directory. */
export const fileOf = (path: string): string => join(path, 'log.mdb')

export function damaged(path: string, found: string): Error {
  return new Error(`${fileOf(path)} is no log, or a damaged one (${found}): put the whole data directory back from a backup, or import an export into an empty one`)
}

/** As another thread of this process has opened it, and keeps it open. */
export function joinEnvironment(options: EmbeddedOptions): Environment {
  const databases = openDatabases(options)
  return { path: options.path, lock: null, ...databases, topics: numbersOf(Generation.parse(databases.meta.get('generation'))) }
}

async function openLocked(options: EmbeddedOptions, lock: ProcessLock): Promise<Environment> {
  const databases = openDatabases(options)
  const { root, meta } = databases
  try {
    const stored = Generation.optional().parse(meta.get('generation'))
    const generation = agreed(stored, options)
    await meta.put('generation', generation)
    if (meta.get('id') === undefined) await meta.put('id', randomUUID())
    return { path: options.path, lock, ...databases, topics: numbersOf(generation) }
  } catch (error) {
    await root.close()
    throw error
  }
}

function openDatabases(options: EmbeddedOptions): Omit<Environment, 'path' | 'lock' | 'topics'> {
  const root = open<Buffer, Buffer>({
    path: fileOf(options.path),
    maxDbs: 8,
    encoding: 'binary',
    keyEncoding: 'binary',
    // otherwise a commit is acknowledged before it is on disk
    overlappingSync: false,
    noSync: options.durability === 'process',
  })
  const binary = (name: string): Binary => root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
  return {
    root,
    messages: binary('messages'),
    ends: binary('ends'),
    state: binary('state'),
    tasks: root.openDB<unknown, string>({ name: 'tasks', encoding: 'json', keyEncoding: 'ordered-binary' }),
    meta: root.openDB<unknown, string>({ name: 'meta', encoding: 'json', keyEncoding: 'ordered-binary' }),
    schemas: root.openDB<unknown, number>({ name: 'schemas', encoding: 'json', keyEncoding: 'uint32' }),
  }
}

const numbersOf = ({ topics }: Generation): Map<Topic, number> => new Map(Object.entries(topics).map(([topic, { number }]) => [topic as Topic, number]))

/** What is stored, and topics that a newer release added. Other counts would send keys to other partitions: refused. */
function agreed(stored: Generation | undefined, { path, partitions }: EmbeddedOptions): Generation {
  const generation = stored ?? { format: FORMAT, topics: {} }
  if (generation.format < OLDEST_FORMAT || generation.format > FORMAT) {
    throw new Error(`${path}: the log has format ${generation.format}, this release reads formats ${OLDEST_FORMAT} to ${FORMAT}. Open it with the release that wrote it`)
  }
  const topics = { ...generation.topics }
  for (const topic of Object.keys(partitions).sort(compareKeys) as Topic[]) {
    const count = partitions[topic]
    const known = topics[topic]
    if (known === undefined) {
      topics[topic] = { number: Object.keys(topics).length, partitions: count }
    } else if (known.partitions !== count) {
      throw new Error(
        `${path}: topic ${topic} was created with ${known.partitions} partitions, the configuration says ${count}. ` +
          `Counts are fixed for the life of a data directory: set partitions back to ${known.partitions}`,
      )
    }
  }
  return { format: FORMAT, topics }
}
