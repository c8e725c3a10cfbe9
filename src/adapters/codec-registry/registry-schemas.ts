import { setTimeout as sleep } from 'node:timers/promises'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import type { StoredSchema } from '../codec/schema-store.ts'
import { frameId } from '../codec/avro-codec.ts'
import { layoutOf } from '../codec/layout.ts'
import { RegistryError, type RegistryClient } from './registry-client.ts'
import { UnknownIds } from './unknown-ids.ts'

/** Between two questions of who waits for a schema, ms. */
const askAgainMs = 1_000

/** A replica of the registry may not have heard of these schemas yet. */
class NotKnownYet extends RegistryError {}

/**
 * The schemas that messages name, by the registry's ids. The registry answers later and the codec must know now, so whoever reads
 * messages lets this `meet` them first.
 */
export class RegistrySchemas {
  readonly #registry: RegistryClient
  readonly #known = new Map<number, StoredSchema>()
  readonly #unknown: UnknownIds
  readonly #asked = new Map<number, Promise<void>>()

  /** `lagMs`: how long a replica of the registry may lag behind another one; the default has its reasons. */
  constructor(registry: RegistryClient, lagMs?: number) {
    this.#registry = registry
    this.#unknown = new UnknownIds(lagMs)
  }

  put(id: number, topic: Topic, text: string): void {
    this.#known.set(id, { topic, text })
  }

  /** Undefined where the registry has none of this id for a topic of ours. Throws RegistryError for an id that was never met. */
  get(id: number): StoredSchema | undefined {
    const known = this.#known.get(id)
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
      if (id !== null && !this.#known.has(id)) ids.add(id)
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
    if (schema === undefined) {
      this.#unknown.denied(id)
      return
    }
    const own = ownOf(schema)
    if (own === null) this.#unknown.giveUp(id)
    else this.put(id, own.topic, own.text)
  }
}

/** Null for one of a stranger, who may register anything under a name of ours, too. */
function ownOf(schema: unknown): StoredSchema | null {
  const topic = topicOf(schema)
  if (topic === undefined) return null
  try {
    const text = JSON.stringify(schema)
    layoutOf(topic, text)
    return { topic, text }
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
