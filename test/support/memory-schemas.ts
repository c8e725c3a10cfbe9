import type { Topic } from '../../schemas/wire/topics.ts'
import { refuseCollision, type SchemaStore, type StoredSchema } from '../../src/adapters/codec/schema-store.ts'

export class MemorySchemaStore implements SchemaStore {
  readonly #schemas = new Map<number, StoredSchema>()

  get(id: number): StoredSchema | undefined {
    return this.#schemas.get(id)
  }

  put(id: number, topic: Topic, text: string): void {
    const stored = this.#schemas.get(id)
    if (stored !== undefined) refuseCollision(id, stored, topic, text)
    else this.#schemas.set(id, { topic, text })
  }
}
