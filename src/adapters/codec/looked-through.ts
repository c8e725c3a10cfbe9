import type { RecordOf, Topic } from '../../../schemas/wire/topics.ts'
import type { OpenChunk } from '../../ports/codec.ts'
import type { Encoded } from '../../ports/processor.ts'

/** Of each record: its branch, where its index begins, where its first field does, and how many fields of records before it are kept. */
const columns = 4

/** Where the records of one message lie, and the fields of those that were not foreseen. */
export class RecordPlaces {
  readonly bytes: Buffer
  /** of a record's branch */
  readonly #names: readonly string[]
  #table = new Int32Array(0)
  #count = 0
  readonly #ends: number[] = []

  constructor(bytes: Buffer, names: readonly string[]) {
    this.bytes = bytes
    this.#names = names
  }

  get count(): number {
    return this.#count
  }

  /** So many records follow. Whoever cuts a message into thousands of blocks has it copied a few times only. */
  expect(records: number): void {
    const needed = (this.#count + records) * columns
    if (needed <= this.#table.length) return
    const table = new Int32Array(Math.max(needed, this.#table.length * 2))
    table.set(this.#table)
    this.#table = table
  }

  begin(branch: number, start: number, first: number): void {
    const at = this.#count++ * columns
    this.#table[at] = branch
    this.#table[at + 1] = start
    this.#table[at + 2] = first
    this.#table[at + 3] = this.#ends.length
  }

  end(at: number): void {
    this.#ends.push(at)
  }

  /** Of the branch index. */
  start(index: number): number {
    return this.#table[index * columns + 1]!
  }

  first(index: number): number {
    return this.#table[index * columns + 2]!
  }

  /** No field of it is kept: every record has some. */
  isForeseen(index: number): boolean {
    return this.#fields(index) === this.#fields(index + 1)
  }

  place(index: number): { type: string; at: number } {
    return { type: this.#name(index), at: this.first(index) }
  }

  encoded(index: number, ends: number[] = this.#ends.slice(this.#fields(index), this.#fields(index + 1))): Encoded {
    return { type: this.#name(index), bytes: this.bytes, from: this.first(index), ends }
  }

  #name(index: number): string {
    return this.#names[this.#table[index * columns]!]!
  }

  #fields(index: number): number {
    return index < this.#count ? this.#table[index * columns + 3]! : this.#ends.length
  }
}

interface RecordReader {
  at(places: RecordPlaces, index: number): unknown
  ends(places: RecordPlaces, index: number): number[]
}

/** A message whose records are decoded as they are asked for. */
export class LookedThrough {
  readonly #reader: RecordReader
  readonly #places: RecordPlaces

  constructor(reader: RecordReader, places: RecordPlaces) {
    this.#reader = reader
    this.#places = places
  }

  get count(): number {
    return this.#places.count
  }

  as<T extends Topic>(): OpenChunk<T> {
    return {
      count: this.count,
      record: (index) => this.#reader.at(this.#places, index) as RecordOf<T>,
      encoded: (index) => this.#places.encoded(index, this.#places.isForeseen(index) ? this.#reader.ends(this.#places, index) : undefined),
      foreseen: (index) => (this.#places.isForeseen(index) ? this.#places.place(index) : null),
    }
  }
}
