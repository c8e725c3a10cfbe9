/**
 * How long an id may be unknown to one replica of the registry that another one gave, ms. Followers read what the leader wrote from a log, as a rule
 * some ms behind; one that pauses, or whose leader has just died, by the session that has to run out first: 10 s (Confluent) to 30 s.
 */
const replicaLagMs = 30_000
/** How long an id that was given up is not asked for again, ms: somebody may still bring its schema back. */
const givenUpMs = 60_000

interface Unknown {
  /** when the registry first said so, and when last, ms of the monotonic clock */
  sinceMs: number
  askedMs: number
  isGivenUp: boolean
}

/**
 * The ids of which the registry says that it has no schema. One that stays unknown for longer than a replica may lag behind is given up, and stays
 * that for this process: however many messages name it, they wait once.
 */
export class UnknownIds {
  readonly lagMs: number
  readonly #ids = new Map<number, Unknown>()

  constructor(lagMs = replicaLagMs) {
    this.lagMs = lagMs
  }

  isGivenUp(id: number): boolean {
    return this.#ids.get(id)?.isGivenUp === true
  }

  /** Whether the registry has to be asked. */
  isDue(id: number): boolean {
    const unknown = this.#ids.get(id)
    return unknown === undefined || !unknown.isGivenUp || performance.now() - unknown.askedMs >= givenUpMs
  }

  /** The registry said that it has none. */
  denied(id: number): void {
    const nowMs = performance.now()
    const { sinceMs, isGivenUp } = this.#ids.get(id) ?? { sinceMs: nowMs, isGivenUp: false }
    this.#ids.set(id, { sinceMs, askedMs: nowMs, isGivenUp: isGivenUp || nowMs - sinceMs >= this.lagMs })
  }

  /** The registry could not be asked: one that comes back may have to catch up first, so all waiting begins anew. */
  unheard(): void {
    for (const [id, { isGivenUp }] of this.#ids) if (!isGivenUp) this.#ids.delete(id)
  }

  /** It has one, which is none of ours. */
  giveUp(id: number): void {
    const nowMs = performance.now()
    this.#ids.set(id, { sinceMs: nowMs, askedMs: nowMs, isGivenUp: true })
  }
}
