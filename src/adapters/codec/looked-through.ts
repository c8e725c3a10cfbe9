import type { RecordOf, Topic } from '../../../schemas/wire/topics.ts'
import type { OpenChunk } from '../../ports/codec.ts'
import type { Encoded } from '../../ports/processor.ts'

/** Where the records of one message lie, and their fields. */
export class RecordPlaces {
  readonly bytes: Buffer
  readonly #names: string[] = []
  /** of the branch index */
  readonly #starts: number[] = []
  /** of the first field */
  readonly #firsts: number[] = []
  /** of each record, its first in `#ends` */
  readonly #fields: number[] = []
  readonly #ends: number[] = []

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get count(): number {
    return this.#names.length
  }

  begin(name: string, start: number, first: number): void {
    this.#names.push(name)
    this.#starts.push(start)
    this.#firsts.push(first)
    this.#fields.push(this.#ends.length)
  }

  end(at: number): void {
    this.#ends.push(at)
  }

  start(index: number): number {
    return this.#starts[index]!
  }

  encoded(index: number): Encoded {
    const ends = this.#ends.slice(this.#fields[index], this.#fields[index + 1])
    return { type: this.#names[index]!, bytes: this.bytes, from: this.#firsts[index]!, ends }
  }
}

/** A message whose records are decoded as they are asked for. */
export class LookedThrough {
  readonly #reader: { at(places: RecordPlaces, index: number): unknown }
  readonly #places: RecordPlaces

  constructor(reader: { at(places: RecordPlaces, index: number): unknown }, places: RecordPlaces) {
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
      encoded: (index) => this.#places.encoded(index),
    }
  }
}
