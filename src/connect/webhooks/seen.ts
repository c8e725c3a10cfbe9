import { digest } from '../../core/canonical.ts'
import type { Source } from '../source.ts'

interface Ring {
  head: number
  tail: number
}

/** Senders give up long before. */
const keptMs = 30 * 24 * 3_600_000
const ringKey = 'webhook/ring'

/** Which deliveries were taken, for longer than any sender repeats them; kept in the checkpoint, two keys each. */
export class Seen {
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
  }

  /** False where it was taken before. Else it is noted in `checkpoint`, and up to two that are old enough are forgotten. */
  first(delivery: string, now: number, checkpoint: Map<string, unknown>): boolean {
    const id = digest(delivery)
    const get = <V>(key: string): V | undefined => (checkpoint.has(key) ? (checkpoint.get(key) as V | null ?? undefined) : this.#source.kept<V>(key))
    if (get(`webhook/id/${id}`) !== undefined) return false
    const ring = { ...(get<Ring>(ringKey) ?? { head: 0, tail: 0 }) }
    for (let forgotten = 0; forgotten < 2 && ring.tail < ring.head; forgotten++) {
      const oldest = get<{ id: string; at: number }>(`webhook/ring/${ring.tail}`)
      if (oldest !== undefined && now - oldest.at < keptMs) break
      if (oldest !== undefined) checkpoint.set(`webhook/id/${oldest.id}`, null)
      checkpoint.set(`webhook/ring/${ring.tail}`, null)
      ring.tail += 1
    }
    checkpoint.set(`webhook/id/${id}`, now)
    checkpoint.set(`webhook/ring/${ring.head}`, { id, at: now })
    checkpoint.set(ringKey, { ...ring, head: ring.head + 1 })
    return true
  }
}
