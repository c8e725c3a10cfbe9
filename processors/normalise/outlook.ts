import { isAt } from '../../src/core/bytes.ts'
import { accountKey } from '../../src/core/keys.ts'
import { afterLong, readLong } from '../../src/core/zig-zag.ts'
import type { State } from '../../src/ports/processor.ts'
import type { AccountClass } from './account.ts'
import type { Scope } from './scope.ts'
import { accountOf } from './stored.ts'
import { classBitsAt, classesOf, headBytes, nameBytesAt, pageOf, pageRows, shortTextAt, typeBytes } from './shown.ts'
import { haveSameRows, rowFrom, rowTo } from './shown-page.ts'

/**
 * Records that lie one after the other in a message and show accounts of consecutive ordinals as their rows in `shown` have them, in one run
 * and at one time.
 */
export interface Stretch {
  /** of the first record's first field */
  readonly at: number
  readonly app: string
  readonly run: number
  readonly observed: number
  readonly classes: readonly AccountClass[]
  /** of the first account */
  readonly ordinal: number
  readonly count: number
  /** of all its accounts, in their order */
  readonly pages: readonly Uint8Array[]
}

type Growing = { -readonly [K in keyof Stretch]: Stretch[K] } & { pages: Uint8Array[]; classBits: number }

/** Where the records' run and times lie, of which those that follow mostly are a copy. */
interface When {
  from: number
  to: number
  run: number
  observed: number
}

/** Misses in a row after which a message is one of a first run, or in another order. */
const patience = 8

/**
 * What one message will probably show, told from its bytes before its records are handed over: where what is kept of an account is found
 * again, byte by byte, nothing needs looking through. A cache of what the state says while the message is opened; whoever relies on a stretch asks
 * `isStillShown`.
 */
export class Outlook {
  #bytes: Uint8Array | null = null
  /** accounts in a row that may still be looked for in vain; none where what lags behind is to be carried on by each record */
  #patience = 0
  #stretches: Growing[] = []
  #taken = 0
  /** the stretch that the next record may go on with */
  #open: Growing | null = null
  #when: When | null = null
  #app = ''
  /** of the account that is shown next, if all are shown in the order of the last run */
  #ordinal = 0
  /** an account of the app was found by its key in this message: once is enough to find the place again */
  #looked = false
  #page: { number: number; bytes: Uint8Array | undefined } | null = null

  /** Where the record ends that is shown as before; -1 where it may not be. */
  foresee(scope: Scope, type: string, bytes: Uint8Array, at: number): number {
    if (bytes !== this.#bytes) this.#begin(bytes, scope.later.isEmpty ? patience : 0)
    if (type !== 'Account' || this.#patience === 0) {
      this.#open = null
      return -1
    }
    const end = this.#find(scope.state, bytes, at)
    if (end < 0) {
      this.#open = null
      this.#patience--
    } else this.#patience = patience
    return end
  }

  /** What begins there of the message that was foreseen last. Asked for in the order of the records. */
  stretchAt(at: number): Stretch | null {
    while ((this.#stretches[this.#taken]?.at ?? at) < at) this.#taken++
    const stretch = this.#stretches[this.#taken]
    return stretch?.at === at ? stretch : null
  }

  #begin(bytes: Uint8Array, misses: number): void {
    this.#patience = misses
    this.#bytes = bytes
    this.#stretches = []
    this.#taken = 0
    this.#open = null
    this.#when = null
    this.#looked = false
    this.#page = null
  }

  /** Accounts that are new, gone or shown otherwise leave what follows them at one of three places. */
  #find(state: State, bytes: Uint8Array, at: number): number {
    for (let tries = 0; tries < 2; tries++) {
      for (let i = 0; i < 3; i++) {
        const end = this.#endAt(state, bytes, at, this.#ordinal + (i === 2 ? -1 : i))
        if (end >= 0) return end
      }
      if (tries > 0 || !this.#lookUp(state, bytes, at)) break
    }
    this.#ordinal++
    return -1
  }

  /** Whether the account's place is known now: by its key. */
  #lookUp(state: State, bytes: Uint8Array, at: number): boolean {
    const appAt = at + typeBytes
    const app = shortTextAt(bytes, appAt)
    if (app === null || (this.#looked && app === this.#app)) return false
    if (app !== this.#app) this.#page = null
    this.#app = app
    const id = shortTextAt(bytes, appAt + 1 + app.length)
    const row = id === null ? undefined : accountOf(state, accountKey(app, id))
    this.#looked = row !== undefined
    this.#ordinal = row?.ordinal ?? this.#ordinal
    return this.#looked
  }

  #endAt(state: State, bytes: Uint8Array, at: number, ordinal: number): number {
    const page = this.#pageOf(state, ordinal)
    if (page === undefined) return -1
    const row = ordinal % pageRows
    const from = rowFrom(page, row)
    const to = rowTo(page, row)
    if (from === to) return -1
    const names = from + headBytes
    const rest = names + nameBytesAt(page, from)
    if (!isAt(bytes, at, page, names, rest)) return -1
    const whenAt = at + (rest - names)
    const when = this.#whenAt(bytes, whenAt)
    if (when === null) return -1
    const restAt = whenAt + (when.to - when.from)
    if (!isAt(bytes, restAt, page, rest, to)) return -1
    this.#add(at, ordinal, classBitsAt(page, from), when, page)
    this.#ordinal = ordinal + 1
    return restAt + (to - rest)
  }

  #add(at: number, ordinal: number, classBits: number, { run, observed }: When, page: Uint8Array): void {
    const open = this.#open
    if (open !== null && open.ordinal + open.count === ordinal && open.classBits === classBits && open.run === run && open.observed === observed && open.app === this.#app) {
      open.count++
      if (ordinal % pageRows === 0) open.pages.push(page)
      return
    }
    this.#open = { at, app: this.#app, run, observed, classes: classesOf(classBits), classBits, ordinal, count: 1, pages: [page] }
    this.#stretches.push(this.#open)
  }

  #pageOf(state: State, ordinal: number): Uint8Array | undefined {
    if (ordinal < 0) return undefined
    const number = Math.floor(ordinal / pageRows)
    if (this.#page?.number !== number) this.#page = { number, bytes: pageOf(state, this.#app, ordinal) }
    return this.#page.bytes
  }

  /** Of the record whose run begins there; null where it is of no run, or takes more than reading it. */
  #whenAt(bytes: Uint8Array, at: number): When | null {
    const last = this.#when
    if (last !== null && isAt(bytes, at, bytes, last.from, last.to)) return last
    if (bytes[at] !== present) return null
    const run = exactLong(bytes, at + 1)
    const observed = run === null ? null : exactLong(bytes, afterLong())
    if (run === null || observed === null) return null
    const validAt = afterLong()
    if (bytes[validAt] === present ? exactLong(bytes, validAt + 1) === null : bytes[validAt] !== absent) return null
    const to = bytes[validAt] === present ? afterLong() : validAt + 1
    return (this.#when = { from: at, to, run, observed })
  }
}

/** The branches of what may be null. */
const absent = 0
const present = 2

/** Null where it may not be the number that was written: looking through it tells. */
function exactLong(bytes: Uint8Array, at: number): number | null {
  const value = readLong(bytes, at)
  return afterLong() - at <= maxLongBytes && Math.abs(value) < exactBelow ? value : null
}
const maxLongBytes = 8
const exactBelow = 2 ** 51

/** Whether the state still has what the stretch was found by. */
export function isStillShown(state: State, { app, ordinal, count, pages }: Stretch): boolean {
  const begin = ordinal - (ordinal % pageRows)
  return pages.every((page, i) => {
    const first = begin + i * pageRows
    const now = pageOf(state, app, first)
    return now === page || (now !== undefined && haveSameRows(now, page, Math.max(0, ordinal - first), Math.min(pageRows, ordinal + count - first)))
  })
}
