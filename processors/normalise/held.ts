import type { Packed } from '../shared/packed.ts'
import { PackReader, PackWriter } from '../shared/packed.ts'

/** Native entitlements in their order, each with the ms since when it is held. */
export type Held = ReadonlyMap<string, number>

export function packHeld(held: Held): Packed {
  const to = new PackWriter()
  to.count(held.size)
  for (const [native, since] of held) {
    to.text(native)
    to.time(since)
  }
  return to.end()
}

export function unpackHeld(packed: Packed | null): Held {
  if (packed === null) return new Map()
  const from = new PackReader(packed)
  return new Map(from.list(() => [from.word(), from.moment()]))
}
