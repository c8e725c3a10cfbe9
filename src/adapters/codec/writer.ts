import type { Type } from 'avsc'
import { CodecError } from '../../ports/codec.ts'
import type { Layout } from './layout.ts'

const VARINT_MAX_BYTES = 10
const INITIAL_BYTES = 64 * 1024
/** A scratch buffer that one huge message blew up is not kept beyond this. */
const KEPT_BYTES = 4 * 1024 * 1024
/** Where less is left, records of their own go on in other memory. */
const ROOM_BYTES = 16 * 1024

/** Writes messages of one topic into a scratch buffer: `begin`, the parts, `take`; or else records of their own: `single`. Not re-entrant. */
export class Writer {
  readonly #layout: Layout
  readonly #indexOf: ReadonlyMap<string, number>
  #scratch = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #at = 0

  constructor(layout: Layout) {
    this.#layout = layout
    this.#indexOf = new Map(layout.branches.map((branch, index) => [branch.name, index]))
  }

  begin(): void {
    this.#at = 0
  }

  frame(): void {
    this.#scratch[0] = 0
    this.#scratch.writeUInt32BE(this.#layout.id, 1)
    this.#at = 5
  }

  records(records: readonly { type: string }[]): void {
    if (!this.#layout.chunked) {
      this.record(this.#only(records), 0)
      return
    }
    if (records.length > 0) this.#long(records.length)
    for (let i = 0; i < records.length; i++) this.record(records[i]!, i)
    this.#long(0)
  }

  /** A message of its own out of records that are encoded already. */
  message(encoded: readonly Uint8Array[]): Uint8Array {
    this.begin()
    this.frame()
    const { chunked } = this.#layout
    if (!chunked) this.#only(encoded)
    else if (encoded.length > 0) this.#long(encoded.length)
    const headBytes = this.#at
    let size = headBytes + (chunked ? 1 : 0)
    for (const bytes of encoded) size += bytes.length
    const result = new Uint8Array(size)
    result.set(this.#scratch.subarray(0, headBytes))
    let at = headBytes
    for (const bytes of encoded) {
      result.set(bytes, at)
      at += bytes.length
    }
    return result
  }

  #only<R>(records: readonly R[]): R {
    const [record] = records
    if (record === undefined || records.length !== 1) {
      throw new CodecError(`${this.#layout.topic}: a message of this topic holds one record, not ${records.length}. Write one message for each`)
    }
    return record
  }

  /** @param ordinal of the record in its message, for errors */
  record(record: { type: string }, ordinal: number): void {
    const index = this.#indexOf.get(record.type)
    if (index === undefined) {
      throw new CodecError(
        `${this.#layout.topic}: record ${ordinal} has type ${JSON.stringify(record.type)}, which this topic does not hold. ` +
          `It holds ${[...this.#indexOf.keys()].join(', ')}`,
      )
    }
    if (this.#layout.union) this.#long(index)
    const { type } = this.#layout.branches[index]!
    let end
    try {
      while ((end = type.encode(record, this.#scratch, this.#at)) < 0) this.#grow(-end)
    } catch (error) {
      throw new CodecError(`${this.#layout.topic}: record ${ordinal} (${record.type}) can't be written: ${problem(type, record, error)}`, { cause: error })
    }
    this.#at = end
  }

  /** What was written since `begin`, as bytes of its own. */
  take(): Uint8Array {
    const result = new Uint8Array(this.#at)
    result.set(this.#scratch.subarray(0, this.#at))
    if (this.#scratch.length > KEPT_BYTES) this.#scratch = Buffer.allocUnsafeSlow(INITIAL_BYTES)
    return result
  }

  /**
   * The record in memory that those written before and after it have a part of: cheap for what is soon let go. Whoever is asked for records of
   * their own writes nothing else.
   */
  single(record: { type: string }): Uint8Array {
    if (this.#at + ROOM_BYTES > INITIAL_BYTES) {
      this.#scratch = Buffer.allocUnsafeSlow(INITIAL_BYTES)
      this.#at = 0
    }
    const from = this.#at
    this.record(record, 0)
    return new Uint8Array(this.#scratch.buffer, this.#scratch.byteOffset + from, this.#at - from)
  }

  /** Zig-zag varint of a count or index, never negative here. */
  #long(value: number): void {
    if (this.#at + VARINT_MAX_BYTES > this.#scratch.length) this.#grow(VARINT_MAX_BYTES)
    let rest = value * 2
    while (rest > 0x7f) {
      this.#scratch[this.#at++] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#scratch[this.#at++] = rest
  }

  #grow(missingBytes: number): void {
    const next = Buffer.allocUnsafeSlow(Math.max(this.#scratch.length * 2, this.#scratch.length + missingBytes))
    next.set(this.#scratch.subarray(0, this.#at))
    this.#scratch = next
  }
}

/** Which fields don't fit and why, without their values: they may be somebody's data. */
function problem(type: Type, record: unknown, error: unknown): string {
  const problems: string[] = []
  type.isValid(record, {
    errorHook: (path, value, at) => {
      const expected = (at).typeName
      const what = typeof value === 'string' && !value.isWellFormed() ? 'a string with half of a surrogate pair, which UTF-8 cannot hold' : kindOf(value)
      problems.push(`${path.join('.') || 'the record'} should be ${expected} and is ${what}`)
    },
  })
  return problems.length > 0 ? problems.slice(0, 5).join('; ') : (error as Error).message
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'an integer' : 'a number that is no safe integer'
  return value === undefined ? 'absent' : `of type ${typeof value}`
}
