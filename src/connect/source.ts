import { randomBytes } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import type { Outgoing, Publisher } from '../runtime/publisher.ts'
import { reach } from '../core/fault.ts'
import { StampClock } from './stamp.ts'

interface SourceCheckpoint {
  run: number
  stamp: number
  /** absent where an older release wrote it */
  letterKey?: string
}

const checkpointKey = 'source'

/**
 * One source of records (an application or a feed): its run numbers and stamps, which never run back, and the only way to publish
 * under its name. Every transaction carries the checkpoint.
 */
export class Source {
  readonly name: string
  readonly clock: Clock
  /** Ids of dead letters are made with it. Every transaction carries it, so no letter is told whose key could be lost. */
  readonly letterKey: string
  readonly #publisher: Publisher
  readonly #stamps: StampClock
  #run: number

  constructor(name: string, publisher: Publisher, clock: Clock) {
    const kept = publisher.get<SourceCheckpoint>(checkpointKey)
    this.name = name
    this.clock = clock
    this.letterKey = kept?.letterKey ?? randomBytes(32).toString('base64url')
    this.#publisher = publisher
    this.#run = kept?.run ?? 0
    this.#stamps = new StampClock(clock, kept?.stamp ?? 0)
  }

  /** Microseconds; above every stamp that this source ever published. */
  stamp(): number {
    return this.#stamps.next()
  }

  /** Stamps from now on are above this one, which a run that is gone on with has given out. */
  stampAbove(stamp: number): void {
    this.#stamps.above(stamp)
  }

  /** The number of the run that begins now; kept by the next `publish`. */
  nextRun(): number {
    this.#run += 1
    return this.#run
  }

  /** A value of the checkpoint as the last transaction left it. */
  kept<V>(key: string): V | undefined {
    return this.#publisher.get<V>(key)
  }

  /** One transaction: all records and `checkpoint` changes, with run number and stamp, or nothing. */
  async publish(outgoing: readonly Outgoing[], checkpoint: ReadonlyMap<string, unknown> = new Map()): Promise<void> {
    const kept: SourceCheckpoint = { run: this.#run, stamp: this.#stamps.last, letterKey: this.letterKey }
    reach('connect.before-commit')
    await this.#publisher.publish(outgoing, new Map([...checkpoint, [checkpointKey, kept]]))
    reach('connect.after-commit')
  }
}
