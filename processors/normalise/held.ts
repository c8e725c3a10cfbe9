import { Interned } from '../shared/interned.ts'
import type { Packed } from '../shared/packed.ts'
import { PackReader, PackWriter } from '../shared/packed.ts'

/** Native entitlements in their order, and the ms since when each is held: one for all of them, or one each. */
export interface Held {
  readonly natives: readonly string[]
  readonly since: number | readonly number[]
}

/** Equal lists are the same one while it is kept. */
export const allNatives = new Interned<readonly string[]>(packNatives, (bytes) => readNatives(new PackReader(bytes)))

/** What is held now that `natives` are: what was held before since then, the rest since `first`. */
export function heldAfter(before: Held | null, natives: readonly string[], first: number): Held {
  if (before === null) return { natives, since: first }
  if (before.natives === natives) return before
  const since = timesAfter(before, natives, first)
  const [one = first] = since
  return { natives, since: since.every((at) => at === one) ? one : since }
}

/** Since when each of these places is held, or one time for all of them. */
export function sinceEach({ since }: Held, places: readonly number[]): number[] {
  if (typeof since === 'number') return places.length === 0 ? [] : [since]
  return places.map((place) => since[place]!)
}

/** Most are the same and in the same order: only what is not where it is looked for first is looked up. */
function timesAfter(before: Held, natives: readonly string[], first: number): number[] {
  let places: Map<string, number> | null = null
  let next = 0
  return natives.map((native) => {
    let place: number | undefined = next
    if (before.natives[place] !== native) place = (places ??= new Map(before.natives.map((one, i) => [one, i]))).get(native)
    if (place === undefined) return first
    next = place + 1
    return sinceOf(before, place)
  })
}

const sinceOf = ({ since }: Held, i: number): number => (typeof since === 'number' ? since : since[i]!)

export function writeHeld(to: PackWriter, { natives, since }: Held): void {
  to.blob(allNatives.bytesOf(natives))
  to.flag(typeof since === 'number')
  if (typeof since === 'number') to.time(since)
  else for (const at of since) to.time(at)
}

export function readHeld(from: PackReader): Held {
  const natives = allNatives.at(from.blob())
  return { natives, since: from.flag() ? from.moment() : natives.map(() => from.moment()) }
}

function packNatives(natives: readonly string[]): Packed {
  const to = new PackWriter()
  to.count(natives.length)
  for (const native of natives) to.text(native)
  return to.end()
}

const readNatives = (from: PackReader): string[] => from.list(() => from.word())
