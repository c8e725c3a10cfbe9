/**
 * Rows with long lists in few bytes: numbers one after the other, texts and times once each and by their place from then on. Many
 * such rows are read for each that changes, so reading has to be cheap. Whoever reads asks for the same things in the same order.
 */
export type Packed = readonly [texts: readonly string[], times: readonly number[], numbers: Uint8Array]

/** Kept from row to row; grows as needed. Used only between a writer's begin and its end, which nothing interrupts. */
let scratch = new Uint8Array(4_096)

export class PackWriter {
  readonly #texts: string[] = []
  readonly #times: number[] = []
  readonly #textPlaces = new Map<string, number>()
  readonly #timePlaces = new Map<number, number>()
  #at = 0

  /** A whole number of at least 0. */
  count(value: number): void {
    if (this.#at + maxBytes > scratch.length) scratch = grown(scratch)
    let rest = value
    while (rest > 0x7f) {
      scratch[this.#at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    scratch[this.#at++] = rest
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
      this.count(0)
      return
    }
    let place = this.#textPlaces.get(value)
    if (place === undefined) this.#textPlaces.set(value, (place = this.#texts.push(value)))
    this.count(place)
  }

  /** Any number. */
  time(value: number | null): void {
    if (value === null) {
      this.count(0)
      return
    }
    let place = this.#timePlaces.get(value)
    if (place === undefined) this.#timePlaces.set(value, (place = this.#times.push(value)))
    this.count(place)
  }

  end(): Packed {
    return [this.#texts, this.#times, scratch.slice(0, this.#at)]
  }
}

export class PackReader {
  readonly #texts: readonly string[]
  readonly #times: readonly number[]
  readonly #numbers: Uint8Array
  #at = 0

  constructor([texts, times, numbers]: Packed) {
    this.#texts = texts
    this.#times = times
    this.#numbers = numbers
  }

  count(): number {
    let byte = this.#numbers[this.#at++]!
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let factor = 128; byte > 0x7f; factor *= 128) {
      byte = this.#numbers[this.#at++]!
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
    return place === 0 ? null : this.#texts[place - 1]!
  }

  /** Where null was never written. */
  word(): string {
    return this.#texts[this.count() - 1]!
  }

  time(): number | null {
    const place = this.count()
    return place === 0 ? null : this.#times[place - 1]!
  }

  moment(): number {
    return this.#times[this.count() - 1]!
  }

  list<T>(item: () => T): T[] {
    const items: T[] = []
    for (let left = this.count(); left > 0; left--) items.push(item())
    return items
  }
}

const maxBytes = 8
/** Twice this is still exact. */
const largest = 2 ** 52

function grown(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2)
  larger.set(bytes)
  return larger
}
