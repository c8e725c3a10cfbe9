import { setTimeout as sleep } from 'node:timers/promises'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { frameId } from '../codec/avro-codec.ts'
import { layoutOf } from '../codec/layout.ts'
import { isSameSchema, isSchema, type SchemaStore, type StoredSchema } from '../codec/schema-store.ts'
import { RegistryError, type RegistryClient } from './registry-client.ts'
import { UnknownIds } from './unknown-ids.ts'

/** Between two questions of who waits for a schema, ms. */
const askAgainMs = 1_000

/** A replica of the registry may not have heard of these schemas yet. */
class NotKnownYet extends RegistryError {}

/** The registry is not the one that gave the log its numbers, or has forgotten some. Where it is put right, whoever asks again goes on. */
export class RegistryLossError extends RegistryError {
  override name = 'RegistryLossError'
}

/**
 * The schemas that messages name, by the registry's ids. The registry answers later and the codec must know now, so whoever reads
 * messages lets this `meet` them first. What it gave or told is kept in the log: that is believed before the registry.
 */
export class RegistrySchemas {
  readonly #registry: RegistryClient
  readonly #kept: SchemaStore
  readonly #known = new Map<number, StoredSchema>()
  /** by the registry, to this process */
  readonly #given = new Map<number, StoredSchema>()
  readonly #unknown: UnknownIds
  readonly #asked = new Map<number, Promise<void>>()

  /** `lagMs`: how long a replica of the registry may lag behind another one; the default has its reasons. */
  constructor(registry: RegistryClient, kept: SchemaStore, lagMs?: number) {
    this.#registry = registry
    this.#kept = kept
    this.#unknown = new UnknownIds(lagMs)
  }

  /** The registry gave this id just now. Throws RegistryLossError where it stands for another schema in the log. */
  put(id: number, topic: Topic, text: string): void {
    this.#keep(id, { topic, text })
    this.#given.set(id, { topic, text })
  }

  /** Undefined where the registry has none of this id for a topic of ours. Throws RegistryError for an id that was never met. */
  get(id: number): StoredSchema | undefined {
    const known = this.#find(id)
    if (known === undefined && !this.#unknown.isGivenUp(id)) throw new RegistryError(`schema ${id} was not asked for before its message is decoded`)
    return known
  }

  /**
   * Resolves when every schema that these messages name can be told. Rejects with RegistryError where the registry is out of reach, and while
   * one that it does not know may still come to a replica: try again.
   */
  async meet(messages: Iterable<Uint8Array>): Promise<void> {
    const ids = new Set<number>()
    for (const message of messages) {
      const id = frameId(message)
      if (id !== null && this.#find(id) === undefined) ids.add(id)
    }
    // all of them, so that they wait together
    for (const id of ids) await this.#ask(id)
    const awaited = [...ids].filter((id) => !this.#known.has(id) && !this.#unknown.isGivenUp(id))
    if (awaited.length === 0) return
    throw new NotKnownYet(
      `the schema registry does not know schema ${awaited.slice(0, 3).join(', ')}${awaited.length > 3 ? ` and ${awaited.length - 3} more` : ''}, which messages name. ` +
        `A replica of it may lag behind, so it is asked again; what stays unknown for ${this.#unknown.lagMs / 1_000} s becomes a dead letter`,
    )
  }

  /** As `meet`, but waits while a schema may still come to a replica: for whoever would not try again. */
  async meetOrWait(messages: readonly Uint8Array[]): Promise<void> {
    for (;;) {
      try {
        await this.meet(messages)
        return
      } catch (error) {
        if (!(error instanceof NotKnownYet)) throw error
      }
      await sleep(Math.min(askAgainMs, this.#unknown.lagMs))
    }
  }

  #ask(id: number): Promise<void> {
    if (!this.#unknown.isDue(id)) return Promise.resolve()
    const asked = this.#asked.get(id) ?? this.#fetch(id).finally(() => this.#asked.delete(id))
    this.#asked.set(id, asked)
    return asked
  }

  async #fetch(id: number): Promise<void> {
    const schema = await this.#registry.schema(id).catch((error: unknown) => {
      this.#unknown.unheard()
      throw error
    })
    await this.#requireMemory()
    if (schema === undefined) {
      this.#unknown.denied(id)
      return
    }
    const own = ownOf(schema)
    if (own === null) this.#unknown.giveUp(id)
    else this.#keep(id, own)
  }

  /** What the registry says of an id is believed where it still has those that it gave: one that lost what it held gives them again, to others. */
  async #requireMemory(): Promise<void> {
    await Promise.all([...this.#given].map(async ([id, given]) => {
      const schema = await this.#registry.schema(id)
      if (schema === undefined) this.#unknown.denied(id)
      else if (isSame(given, ownOf(schema))) return
      else throw this.#lost(`has another schema under number ${id}, which it gave to the one of ${given.topic}`)
      const what = `does not know schema ${id}, which it gave to ${given.topic}`
      if (this.#unknown.isGivenUp(id)) throw this.#lost(what)
      throw new NotKnownYet(`the schema registry ${what}. A replica of it may lag behind, so it is asked again`)
    }))
  }

  #keep(id: number, own: StoredSchema): void {
    const kept = this.#find(id)
    if (kept !== undefined && !isSameSchema(kept, own)) throw this.#lost(`gives number ${id} to a schema of ${own.topic}, and in this log it stands for another one, of ${kept.topic}`)
    this.#known.set(id, kept ?? own)
    // what a stranger has put there is no schema, and stands in nobody's way
    if (this.#kept.get(id) === undefined) this.#kept.put(id, own.topic, own.text)
  }

  #find(id: number): StoredSchema | undefined {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const kept = this.#kept.get(id)
    if (kept === undefined || !isSchema(kept)) return undefined
    this.#known.set(id, kept)
    return kept
  }

  #lost(what: string): RegistryLossError {
    return new RegistryLossError(
      `the schema registry ${this.#registry.place} ${what}: it has lost what it held, or another one is in its place. Nothing is written or read by its numbers. ` +
        'Restore its storage. Where that is gone, take `registry` out of the config file: the log has kept the schemas. What is exported so (grantline log export) ' +
        "and imported with `registry` into another log has numbers of today's registry",
    )
  }
}

const isSame = (one: StoredSchema, other: StoredSchema | null): boolean => other !== null && isSameSchema(one, other)

/** Null for one of a stranger, who may register anything under a name of ours, too. */
function ownOf(schema: unknown): StoredSchema | null {
  const topic = topicOf(schema)
  if (topic === undefined) return null
  try {
    return { topic, text: layoutOf(topic, JSON.stringify(schema)).text }
  } catch {
    return null
  }
}

/** Of whichever topic its names are; undefined where it is none of ours. */
function topicOf(schema: unknown): Topic | undefined {
  const outermost: unknown = Array.isArray(schema) ? schema[0] : schema
  const { name, namespace = '' } = Object(outermost) as { name?: unknown; namespace?: unknown }
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined
  const full = name.includes('.') ? name : `${namespace}.${name}`
  return topicNames.find((topic) => full.startsWith(`grantline.${topic.replaceAll('-', '_')}.`))
}
