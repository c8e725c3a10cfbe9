import { compareKeys } from '../../src/core/order.ts'
import type { State } from '../../src/ports/processor.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import { part } from '../shared/rows.ts'

/** One object about a subject: its key, and what it says (stored-objects.ts). */
type About = readonly [key: string, told: Packed]

interface Row {
  readonly objects: readonly About[]
  /** whether there were ever more than lie here */
  readonly more: boolean
}

/** Objects in one row: each that comes or goes costs as much as all of them. */
const maxTogether = 48

const nothing: Row = { objects: [], more: false }

/**
 * What is said about each subject. It is always read together, so it lies together: in one row of `about` by subject, in the order of
 * the keys. Of whom very much is said, what has no room there lies in rows of its own, in `more` by subject and key. One table serves
 * one transaction at most.
 */
export class AboutTable {
  readonly #state: State
  /** the row that was asked for last: a feed often says several things about one subject in a row */
  #last: { subject: string; row: Row } | null = null

  constructor(state: State) {
    this.#state = state
  }

  /** In the order of the keys. */
  all(subject: string): readonly About[] {
    const { objects, more } = this.#row(subject)
    return more ? [...objects, ...this.#more(subject)].sort(([a], [b]) => compareKeys(a, b)) : objects
  }

  get(subject: string, key: string): Packed | undefined {
    const { objects, more } = this.#row(subject)
    const [, told] = objects.find(([other]) => other === key) ?? []
    return told ?? (more ? this.#state.get<Packed>('more', moreKey(subject, key)) : undefined)
  }

  put(subject: string, key: string, told: Packed): void {
    const { objects, more } = this.#row(subject)
    const at = placeOf(objects, key)
    if (objects[at]?.[0] === key) this.#put(subject, { objects: objects.with(at, [key, told]), more })
    else if (objects.length < maxTogether && !more) this.#put(subject, { objects: objects.toSpliced(at, 0, [key, told]), more })
    else {
      if (!more) this.#put(subject, { objects, more: true })
      this.#state.put('more', moreKey(subject, key), told)
    }
  }

  delete(subject: string, key: string): void {
    const { objects, more } = this.#row(subject)
    const at = placeOf(objects, key)
    if (objects[at]?.[0] === key) this.#put(subject, { objects: objects.toSpliced(at, 1), more })
    else if (more) this.#state.delete('more', moreKey(subject, key))
  }

  *#more(subject: string): Iterable<About> {
    const prefix = part(subject)
    for (const [key, told] of this.#state.range<Packed>('more', { prefix })) yield [key.slice(prefix.length), told]
  }

  #row(subject: string): Row {
    if (this.#last?.subject !== subject) this.#last = { subject, row: this.#stored(subject) }
    return this.#last.row
  }

  #stored(subject: string): Row {
    const packed = this.#state.get<Packed>('about', subject)
    if (packed === undefined) return nothing
    // a copy, since the row is kept for the records that follow
    const from = new PackReader(new Uint8Array(packed))
    return { more: from.flag(), objects: from.list(() => [from.once(), from.blob()] as const) }
  }

  #put(subject: string, row: Row): void {
    this.#last = { subject, row }
    const { objects, more } = row
    if (objects.length === 0 && !more) {
      this.#state.delete('about', subject)
      return
    }
    const to = new PackWriter()
    to.flag(more)
    to.count(objects.length)
    for (const [key, told] of objects) {
      to.once(key)
      to.blob(told)
    }
    this.#state.put('about', subject, to.end())
  }
}

const moreKey = (subject: string, key: string): string => part(subject) + key

/** Where the key is, or would be. */
function placeOf(objects: readonly About[], key: string): number {
  let low = 0
  let high = objects.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(objects[middle]![0], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
