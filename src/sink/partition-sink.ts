import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import { GuardError, type Store } from '../ports/store.ts'
import { pause } from '../runtime/pause.ts'
import { claim } from './claim.ts'
import type { Gate } from './gate.ts'
import { readBack, type Held } from './held.ts'
import type { Inserts } from './inserts.ts'
import { Landed } from './landed.ts'
import { placeName, SinkFencedError, SinkMismatchError, type Place } from './place.ts'
import { whatToDo } from './same-log.ts'
import { Tenure } from './tenure.ts'

export type SinkEvent = Place &
  (
    | { event: 'claimed'; epoch: number; floor: number; held: number }
    | { event: 'inserted'; rows: number; /** everything below is in the tables */ offset: number }
    | { event: 'unreadable'; offset: number; index: number }
    | { event: 'failed'; error: Error; attempt: number; retryMs: number }
  )

export interface PartitionSinkOptions {
  log: Log
  codec: Codec
  store: Store
  /** who claims: another one for every process */
  owner: string
  gate: Gate
  inserts: Inserts
  /** Throws SinkMismatchError where the tables are another log's. */
  sameLog: () => Promise<void>
  onProgress: (event: SinkEvent) => void
}

const firstRetryMs = 100
const maxRetryMs = 10_000

/** The loop of one place: claim, read back, insert what is missing. After any error it begins with a new claim. */
export class PartitionSink {
  readonly landed = new Landed()
  readonly #place: Place
  readonly #options: PartitionSinkOptions
  #mine: number | null = null
  #failures = 0

  constructor(place: Place, options: PartitionSinkOptions) {
    this.#place = place
    this.#options = options
  }

  /** Runs until `signal` aborts. Throws SinkFencedError or SinkMismatchError; every other error is reported and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        signal.throwIfAborted()
        return await this.#own(signal)
      } catch (error) {
        if (error instanceof GuardError) throw new SinkFencedError(`another sink claimed ${placeName(this.#place)}`, { cause: error })
        if (error instanceof SinkFencedError || error instanceof SinkMismatchError) throw error
        // what failed on the way out only leaves a lower floor: the next owner reads more back
        if (signal.aborted) return
        await this.#backOff(error instanceof Error ? error : new Error(String(error)), signal)
      }
    }
  }

  async #own(signal: AbortSignal): Promise<void> {
    const { store, owner, sameLog } = this.#options
    await sameLog()
    const { epoch, floor } = await claim(store, this.#place, owner, this.#mine, signal)
    this.#mine = epoch
    const held = await readBack(store, this.#place, floor)
    await this.#refuseOtherLog(floor, held)
    this.#report({ event: 'claimed', epoch, floor, held: held.size })
    await new Tenure(this.#place, { ...this.#options, isSuspect: () => this.#failures > 0 }, { epoch, floor }, held, {
      landed: (offset) => this.landed.raise(offset),
      inserted: (rows, offset) => {
        this.#failures = 0
        this.#report({ event: 'inserted', rows, offset })
      },
      unreadable: (offset, index) => this.#report({ event: 'unreadable', offset, index }),
    }).run(signal)
  }

  async #refuseOtherLog(floor: number, held: Held): Promise<void> {
    const end = await this.#options.log.end(this.#place.topic, this.#place.partition)
    if (Math.max(floor, held.last + 1) <= end) return
    throw new SinkMismatchError(
      `the tables hold rows of ${placeName(this.#place)} up to offset ${Math.max(floor - 1, held.last)}, but the log ends at ${end}: ` +
        `an older copy of the log was put back, or they were filled from another. ${whatToDo}`,
    )
  }

  async #backOff(error: Error, signal: AbortSignal): Promise<void> {
    const retryMs = Math.min(firstRetryMs * 2 ** Math.min(this.#failures, 20), maxRetryMs)
    this.#failures++
    this.#report({ event: 'failed', error, attempt: this.#failures, retryMs })
    await pause(retryMs, signal)
  }

  #report(event: DistributiveOmit<SinkEvent, keyof Place>): void {
    this.#options.onProgress({ ...this.#place, ...event })
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
