import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { compareKeys } from '../../src/core/order.ts'
import { MemorySchemaStore } from './memory-schemas.ts'
import type { OpenChunk } from '../../src/ports/codec.ts'
import type { Context, Processor, ProcessorType, State } from '../../src/ports/processor.ts'

const codec = createFileCodec(new MemorySchemaStore())

export interface Output {
  topic: Topic
  /** null: broadcast */
  key: string | null
  record: RecordOf<Topic>
}

export interface DriverOptions {
  partition?: number
  partitions?: number
  /** rows per slice, asked before each slice; default 1,000 */
  budget?: () => number
  /** a new instance over the same state after every record and slice: outputs must not differ */
  reload?: boolean
  /** records of one message, asked before each; default 1 */
  chunk?: () => number
}

/** Runs one processor over records in memory, with a clock that only ticks move. Given records, when pushed, then outputs. */
export class ProcessorDriver<In extends Topic> {
  readonly outputs: Output[] = []
  readonly #tables = new Map<string, Map<string, string>>()
  readonly #type: ProcessorType<In>
  readonly #options: DriverOptions
  #processor: Processor<In>
  #offset = 0
  #now = 0
  #foreseen = 0

  constructor(type: ProcessorType<In>, options: DriverOptions = {}) {
    this.#type = type
    this.#options = options
    this.#processor = type.create()
  }

  /** Feeds records in order, finishing queued work after each; answers what they gave. */
  push(...records: RecordOf<In>[]): Output[] {
    const from = this.outputs.length
    for (let at = 0, size; at < records.length; at += size) {
      size = this.#options.chunk?.() ?? 1
      this.#message(records.slice(at, at + size))
    }
    return this.outputs.slice(from)
  }

  /** Records that the processor knew as it had foreseen them. */
  get foreseen(): number {
    return this.#foreseen
  }

  /** As the runtime does at the end of the log: ticks follow one another until no work lags behind. */
  catchUp(): Output[] {
    const from = this.outputs.length
    while (this.lags) this.push({ type: 'Tick', at: this.#now } as RecordOf<In>)
    return this.outputs.slice(from)
  }

  get lags(): boolean {
    return this.#processor.lags?.(this.#at(this.#offset, 0)) ?? false
  }

  /** A message as it is looked through before its records are processed. */
  open(value: Uint8Array): OpenChunk<In> {
    const ahead = this.#at(this.#offset, 0)
    return codec.open!(this.#type.input, value, (type, bytes, at) => this.#processor.foresee?.(ahead, type, bytes, at) ?? -1)
  }

  /** As the runtime does: by their bytes first, where the processor knows records by them. */
  #message(records: RecordOf<In>[]): void {
    const chunk = this.open(codec.encode(this.#type.input, records))
    const offset = this.#offset++
    for (let index = 0, known; index < chunk.count; index += known) {
      const first = chunk.foreseen(index)
      known = first === null ? 0 : (this.#processor.recogniseAll?.(this.#at(offset, index), first.at) ?? 0)
      this.#foreseen += known
      if (known > 0) continue
      known = 1
      this.#take(chunk, offset, index)
    }
  }

  #take(chunk: OpenChunk<In>, offset: number, index: number): void {
    const encoded = chunk.encoded(index)
    const record = chunk.record(index)
    if (record.type === 'Tick') this.#now = Math.max(this.#now, (record as { at: number }).at)
    if (encoded === null || this.#processor.recognise?.(this.#at(offset, index), encoded) !== true) {
      this.#processor.process(this.#at(offset, index), record, encoded ?? undefined)
    }
    this.#reload()
    while (this.#processor.slice(this.#at(offset, index), this.#options.budget?.() ?? 1_000)) this.#reload()
    this.#reload()
  }

  /** Rows of a table, decoded: for assertions on what must not have been written. */
  table(name: string): ReadonlyMap<string, unknown> {
    return new Map([...(this.#tables.get(name) ?? [])].map(([key, value]) => [key, decode(value)]))
  }

  /** Rows as another release may have left them. */
  rewrite<V>(name: string, change: (value: V) => V): void {
    const rows = this.#tables.get(name)
    for (const [key, text] of rows ?? []) rows!.set(key, encode(change(decode(text) as V)))
  }

  /** A table that another release did not write. */
  forget(name: string): void {
    this.#tables.delete(name)
  }

  /** The whole state as text, to compare two drivers or to prove that nothing was written. */
  dump(): string {
    return JSON.stringify(
      [...this.#tables].map(([name, rows]) => [name, [...rows].sort(([a], [b]) => compareKeys(a, b))]).sort(([a], [b]) => compareKeys(a as string, b as string)),
    )
  }

  #reload(): void {
    if (this.#options.reload) this.#processor = this.#type.create()
  }

  #at(offset: number, index: number): Context {
    return this.#context({ topic: this.#type.input, partition: this.#options.partition ?? 0, offset, index })
  }

  #context(position: Position): Context {
    const count = this.#options.partitions ?? 1
    const partitions = new Proxy({} as Record<Topic, number>, { get: () => count })
    const push = (topic: Topic, key: string | null, record: RecordOf<Topic>): void => {
      if (!this.#type.outputs.includes(topic)) throw new Error(`${this.#type.name} does not declare output ${topic}`)
      this.outputs.push({ topic, key, record: structuredClone(record) })
    }
    return {
      now: this.#now,
      position,
      partition: this.#options.partition ?? 0,
      partitions,
      state: this.#state,
      emit: (topic, key, record) => push(topic, key, record),
      broadcast: (topic, record) => push(topic, null, record),
    }
  }

  readonly #state: State = {
    get: <V>(table: string, key: string): V | undefined => {
      const text = this.#tables.get(table)?.get(key)
      return text === undefined ? undefined : (decode(text) as V)
    },
    put: (table, key, value) => {
      let rows = this.#tables.get(table)
      if (rows === undefined) this.#tables.set(table, (rows = new Map<string, string>()))
      rows.set(key, encode(value))
    },
    delete: (table, key) => {
      this.#tables.get(table)?.delete(key)
    },
    range: <V>(table: string, { prefix = '', after }: { prefix?: string; after?: string } = {}) => {
      const keys = [...(this.#tables.get(table)?.keys() ?? [])]
        .filter((key) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
        .sort(compareKeys)
      const rows = this.#tables.get(table)
      return (function* () {
        for (const key of keys) {
          const text = rows?.get(key)
          if (text !== undefined) yield [key, decode(text) as V] as const
        }
      })()
    },
  }
}

/** Values must survive JSON and Uint8Array; anything else would not survive a restart either. */
function encode(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (item instanceof Uint8Array ? { $bytes: [...item] } : item))
}
function decode(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && '$bytes' in item ? Uint8Array.from(item.$bytes as number[]) : item,
  )
}
