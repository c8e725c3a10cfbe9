import type { Database } from 'lmdb'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { refuseCollision, StoredSchema, type SchemaStore } from '../codec/schema-store.ts'

/** Beside the messages that were written with them, in the same environment: a copy of one is a copy of both. */
export class EmbeddedSchemas implements SchemaStore {
  readonly #db: Database<unknown, number>

  constructor(db: Database<unknown, number>) {
    this.#db = db
  }

  get(id: number): StoredSchema | undefined {
    return StoredSchema.optional().parse(this.#db.get(id))
  }

  put(id: number, topic: Topic, text: string): void {
    const stored = this.get(id)
    if (stored !== undefined) refuseCollision(id, stored, topic, text)
    else this.#db.putSync(id, { topic, text })
  }
}
