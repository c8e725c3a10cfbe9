import type { Codec } from '../ports/codec.ts'
import type { Log, Message, ReadLimits } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { pause } from '../runtime/pause.ts'
import { raiseFloor, type Claim } from './claim.ts'
import type { Gate } from './gate.ts'
import type { Held } from './held.ts'
import type { Inserts } from './inserts.ts'
import type { Place } from './place.ts'
import { deadLetterTable, tableOf } from './rows/tables.ts'
import { RowReader, type PlacedRow } from './row-reader.ts'

interface TenureOptions {
  log: Log
  codec: Codec
  store: Store
  owner: string
  gate: Gate
  inserts: Inserts
  /** the last insert of the place failed */
  isSuspect: () => boolean
}

interface TenureEvents {
  /** everything below `offset` is in the tables */
  landed(offset: number): void
  inserted(rows: number, offset: number): void
  unreadable(offset: number, index: number): void
}

/** A batch is what waits, up to this. */
const limits = { maxMessages: 4_096, maxBytes: 2 * 1024 * 1024 }
/** What trickles in is read up to this, so that many places may read at the same time: on brokers each waits for an answer. */
const trickle = { ...limits, maxBytes: 512 * 1024 }
/** After so many rows or messages the floor is raised: what the next owner reads back stays bounded. */
const floorRows = 50_000
const floorMessages = 20_000

/** What one claim does: everything from its floor on that the tables do not hold yet, in log order. Ends with the first error. */
export class Tenure {
  readonly #place: Place
  readonly #options: TenureOptions
  readonly #claim: Claim
  readonly #events: TenureEvents
  readonly #reader: RowReader
  #held: Held | null
  #next: number
  #floor: number
  #rowsAboveFloor = 0
  #messagesAboveFloor = 0

  constructor(place: Place, options: TenureOptions, claim: Claim, held: Held, events: TenureEvents) {
    this.#place = place
    this.#options = options
    this.#claim = claim
    this.#events = events
    this.#reader = new RowReader(options.codec, place)
    this.#held = held
    this.#next = claim.floor
    this.#floor = claim.floor
  }

  async run(signal: AbortSignal): Promise<void> {
    const { topic, partition } = this.#place
    const { gate, inserts, log } = this.#options
    let isBehind = false
    while (!signal.aborted) {
      if (!isBehind) await pause(inserts.dueInMs(tableOf[topic]), signal)
      const most: ReadLimits = isBehind ? limits : trickle
      const found = await gate.pass(most.maxBytes, (keep) => this.#batch(most, keep))
      isBehind = found === 'part'
      await this.#raiseFloor(this.#rowsAboveFloor >= floorRows || this.#messagesAboveFloor >= floorMessages)
      if (found === 'nothing') await log.waitFor(topic, partition, this.#next, signal)
    }
    await this.#raiseFloor(true)
  }

  /** What was there to carry: all of it now is in the tables, or what may be a part of it. */
  async #batch(most: ReadLimits, keep: (bytes: number) => void): Promise<'nothing' | 'part' | 'all'> {
    const { topic, partition } = this.#place
    const { inserts, log } = this.#options
    const read = (): Promise<Message[]> => inserts.whileReading(tableOf[topic], () => log.read(topic, partition, this.#next, most))
    let messages = await read()
    if (messages.length === 0) {
      const end = await log.end(topic, partition)
      messages = await read()
      if (messages.length === 0) this.#advance(Math.max(end, this.#next), 0, 0)
    }
    const last = messages.at(-1)
    if (last === undefined) return 'nothing'
    const bytes = messages.reduce((sum, { value }) => sum + value.length, 0)
    keep(bytes)
    const missing = messages
      .flatMap((message) => this.#reader.rows(message))
      .filter(({ table, offset, index }) => this.#held?.has(table, offset, index) !== true)
    for (const [table, rows] of byTable(missing)) await this.#insert(table, rows, bytes)
    this.#advance(last.offset + 1, missing.length, messages.length)
    if (missing.length > 0) this.#events.inserted(missing.length, this.#next)
    // it ends before the message that does not fit
    const mayBeCut = messages.length >= most.maxMessages || bytes > most.maxBytes / 2
    return mayBeCut ? 'part' : 'all'
  }

  async #insert(table: string, placed: readonly PlacedRow[], bytes: number): Promise<void> {
    const { inserts, isSuspect } = this.#options
    await inserts.insert(table, { by: { ...this.#place, epoch: this.#claim.epoch }, rows: placed.map(({ row }) => row), bytes, isSuspect: isSuspect() })
    if (table !== deadLetterTable || this.#place.topic === 'dead-letters') return
    for (const { offset, index } of placed) this.#events.unreadable(offset, index)
  }

  #advance(next: number, rows: number, messages: number): void {
    this.#next = next
    this.#rowsAboveFloor += rows
    this.#messagesAboveFloor += messages
    if (this.#held !== null && this.#held.last < next) this.#held = null
    this.#events.landed(next)
  }

  /** Never while a record waits for parts: whoever begins at the floor must find all parts of what it reads. */
  async #raiseFloor(isDue: boolean): Promise<void> {
    if (!isDue || this.#next === this.#floor || this.#reader.isWaiting) return
    await raiseFloor(this.#options.store, this.#place, this.#options.owner, this.#claim.epoch, this.#next)
    this.#floor = this.#next
    this.#rowsAboveFloor = 0
    this.#messagesAboveFloor = 0
  }
}

function byTable(rows: readonly PlacedRow[]): Map<string, PlacedRow[]> {
  const tables = new Map<string, PlacedRow[]>()
  for (const row of rows) {
    const same = tables.get(row.table)
    if (same === undefined) tables.set(row.table, [row])
    else same.push(row)
  }
  return tables
}
