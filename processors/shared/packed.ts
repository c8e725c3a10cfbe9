import { asciiAt } from '../../src/core/ascii.ts'

/**
 * Rows with long lists in few bytes: numbers one after the other, each text and time once and by its place from then on. Many such
 * rows are read for each that changes, so reading has to be cheap. Whoever reads asks for the same things in the same order. Rows
 * share memory with others that were packed then: whoever keeps one for long copies it.
 */
export type Packed = Uint8Array

/** Of a text or a time: none, one that was not there yet and follows, or by its place. */
const none = 0
const fresh = 1
const firstPlace = 2

/** A part of what is being packed. */
export interface Span {
  readonly from: number
  readonly end: number
}

/** Memory in which rows lie one after the other, each where it was written; `used` of it is. */
interface Sheet {
  bytes: Uint8Array
  used: number
  /** of the row that is being written */
  readonly texts: Places<string>
  readonly times: Places<number>
}

/** One for each writer that is at work. */
const idle: Sheet[] = []
const sheetBytes = 64 * 1024
/** A sheet with less left is not begun to write on. */
const fewBytes = 512

export class PackWriter {
  readonly #sheet: Sheet
  #bytes: Uint8Array
  /** where the row begins */
  #from: number
  #at: number
  readonly #texts: Places<string>
  readonly #times: Places<number>

  constructor() {
    const sheet = (this.#sheet = idle.pop() ?? { bytes: new Uint8Array(sheetBytes), used: 0, texts: new Places<string>(), times: new Places<number>() })
    this.#texts = sheet.texts
    this.#times = sheet.times
    if (sheet.used + fewBytes > sheet.bytes.length) {
      sheet.bytes = new Uint8Array(sheetBytes)
      sheet.used = 0
    }
    this.#bytes = sheet.bytes
    this.#from = this.#at = sheet.used
  }

  /** A whole number of at least 0. */
  count(value: number): void {
    this.#room(maxCountBytes)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#at++] = rest
  }

  /** Any whole number; from 0 up it takes few bytes. */
  whole(value: number): void {
    if (value >= 0 && value < largest) {
      this.count(2 * value)
    } else {
      this.count(1)
      this.time(value)
    }
  }

  flag(value: boolean): void {
    this.count(value ? 1 : 0)
  }

  text(value: string | null): void {
    if (value === null) {
      this.count(none)
      return
    }
    const place = this.#texts.of(value)
    if (place !== null) {
      this.count(firstPlace + place)
      return
    }
    this.count(fresh)
    this.#string(value)
  }

  /** A text that is in the row once: it gets no place. */
  once(value: string): void {
    this.#string(value)
  }

  /** Any number. */
  time(value: number | null): void {
    if (value === null) {
      this.count(none)
      return
    }
    const place = this.#times.of(value)
    if (place !== null) {
      this.count(firstPlace + place)
      return
    }
    this.count(fresh)
    this.#number(value)
  }

  /** Bytes as they are, which have places of their own where they are packed. */
  blob(bytes: Uint8Array): void {
    this.count(bytes.length)
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** What has been written so far, bytes. */
  get length(): number {
    return this.#at - this.#from
  }

  /** The same bytes once more: what they say, where all texts and times in them had their places before. */
  again({ from, end }: Span): void {
    this.#room(end - from)
    this.#bytes.copyWithin(this.#at, this.#from + from, this.#from + end)
    this.#at += end - from
  }

  /** The row; the writer is done with. */
  end(): Packed {
    // a long row has its memory for itself
    if (this.#bytes.length === sheetBytes) {
      this.#sheet.bytes = this.#bytes
      this.#sheet.used = this.#at
    }
    this.#texts.forget()
    this.#times.forget()
    idle.push(this.#sheet)
    return this.#bytes.subarray(this.#from, this.#at)
  }

  /** Length and whether units take two bytes, then the units. */
  #string(value: string): void {
    const { length } = value
    this.#room(maxCountBytes + 2 * length)
    const lengthAt = this.#at
    this.count(2 * length)
    const from = this.#at
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) {
        this.#wide(value, from, lengthAt)
        return
      }
      this.#bytes[from + i] = unit
    }
    this.#at = from + length
  }

  #wide(value: string, from: number, lengthAt: number): void {
    // the length takes the same bytes whether or not its lowest bit is set
    this.#bytes[lengthAt]! |= 1
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      this.#bytes[from + 2 * i] = unit & 0xff
      this.#bytes[from + 2 * i + 1] = unit >> 8
    }
    this.#at = from + 2 * value.length
  }

  #number(value: number): void {
    if (value >= 0 && value < largest && Number.isInteger(value) && !Object.is(value, -0)) {
      this.count(value + 1)
      return
    }
    this.count(0)
    this.#room(8)
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value)
    this.#at += 8
  }

  /** What does not fit goes on in memory of its own. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(sheetBytes, 2 * this.length + bytes))
    larger.set(this.#bytes.subarray(this.#from, this.#at))
    this.#bytes = larger
    this.#at -= this.#from
    this.#from = 0
  }
}

/** Below this many values looking through them is cheaper than hashing them. */
const fewValues = 12

/** Values in the order of their first use. */
class Places<V> {
  #few: V[] | null = null
  #many: Map<V, number> | null = null

  forget(): void {
    this.#few = null
    this.#many = null
  }

  /** The value's place, or null where it gets the next one only now. */
  of(value: V): number | null {
    if (this.#few === null) {
      this.#few = [value]
      return null
    }
    if (this.#many === null) {
      for (let place = 0; place < this.#few.length; place++) if (this.#few[place] === value) return place
      this.#few.push(value)
      if (this.#few.length > fewValues) this.#many = new Map(this.#few.map((one, i) => [one, i]))
      return null
    }
    const place = this.#many.get(value)
    if (place !== undefined) return place
    this.#many.set(value, this.#many.size)
    return null
  }
}

export class PackReader {
  readonly #bytes: Uint8Array
  /** those that came so far; null while none did: most rows are short, and many */
  #texts: string[] | null = null
  #times: number[] | null = null
  #at = 0

  constructor(packed: Packed) {
    this.#bytes = packed
  }

  count(): number {
    let byte = this.#bytes[this.#at++]!
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let factor = 128; byte > 0x7f; factor *= 128) {
      byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * factor
    }
    return value
  }

  whole(): number {
    const value = this.count()
    return value === 1 ? this.moment() : value / 2
  }

  flag(): boolean {
    return this.count() === 1
  }

  text(): string | null {
    const place = this.count()
    if (place === none) return null
    if (place !== fresh) return this.#texts![place - firstPlace]!
    const text = this.once()
    if (this.#texts === null) this.#texts = [text]
    else this.#texts.push(text)
    return text
  }

  once(): string {
    const head = this.count()
    const length = Math.floor(head / 2)
    const text = head % 2 === 0 ? asciiAt(this.#bytes, this.#at, length)! : this.#wide(length)
    this.#at += head % 2 === 0 ? length : 2 * length
    return text
  }

  /** Where null was never written. */
  word(): string {
    return this.text()!
  }

  time(): number | null {
    const place = this.count()
    if (place === none) return null
    return place === fresh ? this.#number() : this.#times![place - firstPlace]!
  }

  moment(): number {
    return this.time()!
  }

  /** Whether nothing follows: what later releases added to a row is not in one that was written before. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Shares the row's memory. */
  blob(): Uint8Array {
    const length = this.count()
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  list<T>(item: () => T): T[] {
    const items: T[] = []
    for (let left = this.count(); left > 0; left--) items.push(item())
    return items
  }

  #wide(length: number): string {
    let text = ''
    for (let i = 0; i < length; i++) {
      const at = this.#at + 2 * i
      text += String.fromCharCode(this.#bytes[at]! | (this.#bytes[at + 1]! << 8))
    }
    return text
  }

  #number(): number {
    const head = this.count()
    let value = head - 1
    if (head === 0) {
      value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat64(this.#at)
      this.#at += 8
    }
    if (this.#times === null) this.#times = [value]
    else this.#times.push(value)
    return value
  }
}

const maxCountBytes = 8
/** Twice this is still exact. */
const largest = 2 ** 52
