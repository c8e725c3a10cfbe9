import type { Outgoing } from '../runtime/publisher.ts'
import type { Source } from './source.ts'

/** A transaction is full at about a thousand small records; an assignment weighs a fiftieth of a record. */
const fullWeight = 1_000
const listWeight = 1 / 50

/** Publishes a long sequence of records in bounded transactions, in order. */
export class RunWriter {
  readonly #source: Source
  readonly #signal: AbortSignal
  #waiting: Outgoing[] = []
  #weight = 0

  constructor(source: Source, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  /** `listed`: how many entries the record's lists hold. */
  async add(outgoing: Outgoing, listed = 0): Promise<void> {
    this.#waiting.push(outgoing)
    this.#weight += 1 + listed * listWeight
    if (this.#weight >= fullWeight) await this.flush()
  }

  /** Rejects with the signal's reason once it is aborted: the run stays open, and its successor closes it as abandoned. */
  async flush(checkpoint?: ReadonlyMap<string, unknown>): Promise<void> {
    this.#signal.throwIfAborted()
    if (this.#waiting.length === 0 && checkpoint === undefined) return
    const outgoing = this.#waiting
    this.#waiting = []
    this.#weight = 0
    await this.#source.publish(outgoing, checkpoint)
  }
}
