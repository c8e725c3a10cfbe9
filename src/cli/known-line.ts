import type { KnownFacts } from '../replay/known.ts'

/** What an answer about a past moment rests on: of each partition of facts, how much of it was known, and as of which time. */
export const knownLine = (known: readonly KnownFacts[]): string => `known then: ${known.map(placeOf).join('; ')}`

function placeOf({ partition, offset, end, now }: KnownFacts): string {
  if (now === 0) return `nothing of facts/${partition}${end === 0 ? ', which is empty' : ''}`
  return `facts/${partition} ${offset === end ? `to its end, offset ${end}` : `before offset ${offset}`}, as of ${new Date(now).toISOString()}`
}
