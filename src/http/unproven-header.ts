import { z } from 'zod'
import type { Unproven } from '../reports/unproven.ts'

/**
 * How an answer names sources that had not been read completely by the time in question: a list of RFC 9651,
 * `"billing";since=1795858634954, "desk"`; without `since`: never. A number in place of a name: so many others, `since` when the last of them was.
 */
export const unprovenHeader = 'grantline-unproven'

/** Of either kind: clients take headers of 16 KiB altogether, and others of 8. */
const maxNamed = 32

export function unprovenText(sources: readonly Unproven[]): string {
  const [never, later] = [sources.filter(({ since }) => since === null), sources.filter(({ since }) => since !== null)]
  return [...itemsOf(later), ...itemsOf(never)].join(', ')
}

function itemsOf(sources: readonly Unproven[]): string[] {
  const named = sources.slice(0, maxNamed).map(({ source, since }) => `"${source}"${sinceText(since)}`)
  const others = sources.slice(maxNamed).map(({ since }) => since)
  return others.length === 0 ? named : [...named, `${others.length}${sinceText(others.reduce((last, since) => (since === null || (last !== null && last > since) ? last : since)))}`]
}

const sinceText = (since: number | null): string => (since === null ? '' : `;since=${since}`)

const item = /^(?:"([^"\\]+)"|(\d+))(?:;since=(\d+))?$/
const Item = z.string().regex(item).transform((text): Unproven => {
  const [, source, others, since] = item.exec(text) ?? []
  return { source: source ?? (others === '1' ? '1 other' : `${others} others`), since: since === undefined ? null : Number(since) }
})

/** None where the header is not there. Throws ZodError where it is none of ours. */
export const unprovenOf = (header: string | null): Unproven[] => (header === null ? [] : z.array(Item).parse(header.split(', ')))
