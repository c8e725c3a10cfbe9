import type { Topic } from '../../schemas/wire/topics.ts'
import { CodecError } from '../ports/codec.ts'
import type { SchemaNumbers } from '../ports/portable-log.ts'
import type { Manifest } from './manifest.ts'
import { firstPartIn, numberIn, renumbered, renumberedParts, renumberedRow } from './renumber.ts'

type Schema = Manifest['schemas'][number]

/** Messages and rows as an export holds them: schemas have the numbers that are taken from their text, whatever they are called here. */
export class Leaving {
  readonly #numbers: SchemaNumbers
  /** number here -> the schema with its lasting number; null: nobody knows it */
  readonly #lasting = new Map<number, Schema | null>()

  constructor(numbers: SchemaNumbers) {
    this.#numbers = numbers
  }

  /** All that were named so far, by their lasting numbers. */
  get schemas(): Schema[] {
    const all = new Map([...this.#lasting.values()].filter((schema) => schema !== null).map((schema) => [schema.id, schema]))
    return [...all.values()].sort((a, b) => a.id - b.id)
  }

  async message(topic: Topic, value: Uint8Array): Promise<Uint8Array> {
    const id = numberIn(value)
    const lasting = id === null ? undefined : await this.#meet(id, value)
    if (lasting === undefined || lasting === id) return value
    try {
      return renumbered(renumberedParts(this.#numbers.codec, topic, value, this.#renumber), this.#renumber)
    } catch (error) {
      // what can't be read is carried as it is
      if (error instanceof CodecError) return value
      throw error
    }
  }

  async row<R extends { key: string; value: Uint8Array }>(row: R): Promise<R> {
    const part = firstPartIn(row)
    const id = part === null ? null : numberIn(part)
    if (part !== null && id !== null) await this.#meet(id, part)
    return renumberedRow(row, this.#renumber)
  }

  async #meet(id: number, value: Uint8Array): Promise<number | undefined> {
    if (!this.#lasting.has(id)) await this.#numbers.meet([value])
    return this.#renumber(id)
  }

  readonly #renumber = (id: number): number | undefined => {
    const known = this.#lasting.get(id)
    if (known !== undefined) return known?.id
    const schema = this.#numbers.get(id)
    const lasting = schema === undefined ? null : { id: this.#numbers.lasting(schema.topic, schema.text), ...schema }
    this.#lasting.set(id, lasting)
    return lasting?.id
  }
}

/** The other way: what an export holds, under the numbers of the log that it goes to. */
export class Arriving {
  readonly #numbers: SchemaNumbers
  readonly #here: ReadonlyMap<number, number>

  /** Makes the schemas known here. */
  static async open(numbers: SchemaNumbers, schemas: readonly Schema[]): Promise<Arriving> {
    const here = new Map<number, number>()
    for (const { id, topic, text } of schemas) here.set(id, await numbers.number(topic, text))
    return new Arriving(numbers, here)
  }

  private constructor(numbers: SchemaNumbers, here: ReadonlyMap<number, number>) {
    this.#numbers = numbers
    this.#here = here
  }

  message(topic: Topic, value: Uint8Array): Uint8Array {
    const framed = renumbered(value, this.#renumber)
    if (framed === value) return value
    try {
      return renumberedParts(this.#numbers.codec, topic, framed, this.#renumber)
    } catch (error) {
      if (error instanceof CodecError) return value
      throw error
    }
  }

  row<R extends { key: string; value: Uint8Array }>(row: R): R {
    return renumberedRow(row, this.#renumber)
  }

  readonly #renumber = (id: number): number | undefined => this.#here.get(id)
}
