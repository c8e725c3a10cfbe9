import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import type { StoredSchema } from '../codec/schema-store.ts'
import { frameId } from '../codec/avro-codec.ts'
import { RegistryError, type RegistryClient } from './registry-client.ts'

/** How long an id that the registry does not know is not asked for again, ms: another release may be about to register it. */
const absentMs = 60_000

/**
 * The schemas that messages name, by the registry's ids. The registry answers later and the codec must know now, so whoever reads
 * messages lets this `meet` them first.
 */
export class RegistrySchemas {
  readonly #registry: RegistryClient
  readonly #known = new Map<number, StoredSchema>()
  /** ids without a schema here, and when the registry said so, ms of the monotonic clock; never again for one of another kind */
  readonly #absent = new Map<number, number>()
  readonly #asked = new Map<number, Promise<void>>()

  constructor(registry: RegistryClient) {
    this.#registry = registry
  }

  put(id: number, topic: Topic, text: string): void {
    this.#known.set(id, { topic, text })
  }

  /** Undefined where the registry has none of this id for a topic of ours. Throws RegistryError for an id that was never met. */
  get(id: number): StoredSchema | undefined {
    const known = this.#known.get(id)
    if (known === undefined && !this.#absent.has(id)) throw new RegistryError(`schema ${id} was not asked for before its message is decoded`)
    return known
  }

  /** Resolves when every schema that these messages name can be told. Rejects with RegistryError where the registry is out of reach. */
  async meet(messages: Iterable<Uint8Array>): Promise<void> {
    const ids = new Set<number>()
    for (const message of messages) {
      const id = frameId(message)
      if (id !== null && !this.#known.has(id)) ids.add(id)
    }
    for (const id of ids) await this.#ask(id)
  }

  #ask(id: number): Promise<void> {
    const saidAbsent = this.#absent.get(id)
    if (saidAbsent !== undefined && performance.now() - saidAbsent < absentMs) return Promise.resolve()
    const asked = this.#asked.get(id) ?? this.#fetch(id).finally(() => this.#asked.delete(id))
    this.#asked.set(id, asked)
    return asked
  }

  async #fetch(id: number): Promise<void> {
    const schema = await this.#registry.schema(id)
    const topic = topicOf(schema)
    if (topic === undefined) this.#absent.set(id, performance.now())
    else this.put(id, topic, JSON.stringify(schema))
  }
}

/** Of whichever topic its names are; undefined where it is none of ours. */
function topicOf(schema: unknown): Topic | undefined {
  const outermost: unknown = Array.isArray(schema) ? schema[0] : schema
  const { name = '', namespace = '' } = Object(outermost) as { name?: string; namespace?: string }
  const full = name.includes('.') ? name : `${namespace}.${name}`
  return topicNames.find((topic) => full.startsWith(`grantline.${topic.replaceAll('-', '_')}.`))
}
