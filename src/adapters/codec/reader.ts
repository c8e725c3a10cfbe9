import avsc, { type Type } from 'avsc'
import { CodecError, type Foreseen } from '../../ports/codec.ts'
import type { Branch, Layout } from './layout.ts'
import { takeBlock, takeLong, type Place } from './longs.ts'
import { LookedThrough, RecordPlaces } from './looked-through.ts'
import { skipOf, type Skip } from './skip.ts'

type Resolver = ReturnType<Type['createResolver']>
interface Source {
  /** its index */
  branch: number
  name: string
  /** today's type; undefined where today's schema can't read this branch */
  type: Type | undefined
  /** undefined where the writer's type is today's */
  resolver: Resolver | undefined
  refusal: string
  /** of today's type, in their order */
  fields: readonly Skip[]
}

/** Reads what `writer` laid out, as records of `today`. */
export class Reader {
  readonly #writer: Layout
  readonly #sources: readonly Source[]
  readonly #names: readonly string[]
  readonly #isToday: boolean

  constructor(writer: Layout, today: Layout) {
    this.#writer = writer
    this.#isToday = writer === today
    this.#sources = writer.branches.map((branch, index) => sourceOf(branch, index, writer === today ? null : today))
    this.#names = writer.branches.map(({ name }) => name)
  }

  /** All records of a message, whose body begins at byte `from`. */
  message(bytes: Buffer, from: number): unknown[] {
    if (!this.#writer.chunked) return [this.single(bytes, from)]
    const cursor = { buf: bytes, pos: from }
    const records: unknown[] = []
    for (let count = this.#block(cursor, records.length); count > 0; count = this.#block(cursor, records.length)) {
      while (count-- > 0) records.push(this.#record(cursor, records.length))
    }
    this.#finish(cursor)
    return records
  }

  /** The message's records, looked through but not decoded; null where that takes decoding, since it is of another schema. */
  open(bytes: Buffer, from: number, foreseen?: Foreseen): LookedThrough | null {
    if (!this.#isToday || !this.#writer.chunked) return null
    const cursor = { buf: bytes, pos: from }
    const places = new RecordPlaces(bytes, this.#names)
    for (let count = this.#block(cursor, places.count); count > 0; count = this.#block(cursor, places.count)) {
      places.expect(count)
      while (count-- > 0) this.#look(cursor, places, foreseen)
    }
    this.#finish(cursor)
    return new LookedThrough(this, places)
  }

  /** The one record that begins at byte `from` and ends with the bytes. */
  single(bytes: Buffer, from: number): unknown {
    const cursor = { buf: bytes, pos: from }
    const record = this.#record(cursor, 0)
    this.#finish(cursor)
    return record
  }

  /** The record whose fields begin where the cursor stands, of a message that was looked through. */
  at(places: RecordPlaces, ordinal: number): unknown {
    const cursor = { buf: places.bytes, pos: places.start(ordinal) }
    return this.#record(cursor, ordinal)
  }

  /** Where the fields end of a record that was foreseen. */
  ends(places: RecordPlaces, ordinal: number): number[] {
    const { fields } = this.#source({ buf: places.bytes, pos: places.start(ordinal) }, ordinal)
    let end = places.first(ordinal)
    return fields.map((field) => (end = field(places.bytes, end)))
  }

  #look(cursor: Place, places: RecordPlaces, foreseen?: Foreseen): void {
    const start = cursor.pos
    const ordinal = places.count
    const { branch, name, fields } = this.#source(cursor, ordinal)
    places.begin(branch, start, cursor.pos)
    const end = foreseen?.(name, cursor.buf, cursor.pos) ?? -1
    if (end >= 0) {
      cursor.pos = end
      return
    }
    try {
      for (const field of fields) {
        cursor.pos = field(cursor.buf, cursor.pos)
        places.end(cursor.pos)
      }
    } catch (error) {
      throw this.#damaged(cursor.buf, start, ordinal, `${name}: ${(error as Error).message}`, error)
    }
    if (cursor.pos > cursor.buf.length) throw this.#damaged(cursor.buf, start, ordinal, `the message ends in the middle of this ${name}`)
  }

  #source(cursor: Place, ordinal: number): Source & { type: Type } {
    const start = cursor.pos
    const index = this.#writer.union ? takeLong(cursor) : 0
    if (cursor.pos > cursor.buf.length) throw this.#damaged(cursor.buf, start, ordinal, 'the message ends here')
    const source = this.#sources[index]
    if (source === undefined) throw this.#damaged(cursor.buf, start, ordinal, `it names branch ${index} of ${this.#sources.length}`)
    if (source.type === undefined) throw new CodecError(`${this.#place(start, ordinal)}: ${source.refusal}`)
    return source as Source & { type: Type }
  }

  #record(cursor: Place, ordinal: number): unknown {
    const start = cursor.pos
    const source = this.#source(cursor, ordinal)
    let decoded
    try {
      decoded = source.type.decode(cursor.buf, cursor.pos, source.resolver)
    } catch (error) {
      throw this.#damaged(cursor.buf, start, ordinal, `${source.name}: ${(error as Error).message}`, error)
    }
    if (decoded.offset < 0) throw this.#damaged(cursor.buf, start, ordinal, `the message ends in the middle of this ${source.name}`)
    cursor.pos = decoded.offset
    return decoded.value
  }

  #block(cursor: Place, ordinal: number): number {
    const start = cursor.pos
    if (start >= cursor.buf.length) throw this.#damaged(cursor.buf, start, ordinal, 'the message ends here')
    try {
      return takeBlock(cursor)
    } catch (error) {
      throw this.#damaged(cursor.buf, start, ordinal, (error as Error).message, error)
    }
  }

  #finish(cursor: Place): void {
    const rest = cursor.buf.length - cursor.pos
    if (rest > 0) throw new CodecError(`${this.#place(cursor.pos, null)}: ${rest} bytes follow the last record. ${LOOK}`)
  }

  #place(byte: number, ordinal: number | null): string {
    const at = ordinal === null ? `byte ${byte}` : `record ${ordinal}, at byte ${byte}`
    return `${this.#writer.topic}: message of schema ${this.#writer.id}, ${at}`
  }

  #damaged(buf: Buffer, byte: number, ordinal: number, what: string, cause?: unknown): CodecError {
    return new CodecError(`${this.#place(byte, ordinal)} of ${buf.length}: ${what}. ${LOOK}`, { cause })
  }
}

const LOOK = 'The bytes are damaged or not of this schema: compare with what their producer wrote'

function sourceOf({ name, type: written }: Branch, branch: number, today: Layout | null): Source {
  if (today === null) return { branch, name, type: written, resolver: undefined, refusal: '', fields: fieldsOf(written) }
  const type = today.branches.find((candidate) => candidate.name === name)?.type
  if (type === undefined) {
    return { branch, name, type, fields: [], resolver: undefined, refusal: `this release does not know records of type ${name}. Read it with the release that wrote it` }
  }
  try {
    return { branch, name, type, resolver: type.createResolver(written), refusal: '', fields: [] }
  } catch (error) {
    const refusal = `this release can't read ${name} as it was written then: ${(error as Error).message}. Read it with the release that wrote it`
    return { branch, name, type: undefined, resolver: undefined, refusal, fields: [] }
  }
}

function fieldsOf(type: Type): Skip[] {
  if (!(type instanceof avsc.types.RecordType)) throw new Error(`a branch of a message is a record, not a ${type.typeName}`)
  return type.fields.map((field) => skipOf(field.type))
}
