import { z } from 'zod'
import { quoted } from './quoted.ts'

/** A source, and the time that is told of it, ms; null: there is none. */
interface DatedSource {
  source: string
  since: number | null
}

/** Of either kind: clients take headers of 16 KiB altogether, and others of 8. */
const maxNamed = 32

/**
 * A list of RFC 9651, `"billing";since=1795858634954, "desk"`; without `since`: never. A number in place of a name: so many others, `since` when
 * the last of them was.
 */
export function datedText(sources: readonly DatedSource[]): string {
  const [never, later] = [sources.filter(({ since }) => since === null), sources.filter(({ since }) => since !== null)]
  return [...itemsOf(later), ...itemsOf(never)].join(', ')
}

function itemsOf(sources: readonly DatedSource[]): string[] {
  const named = sources.slice(0, maxNamed).map(({ source, since }) => `${quoted(source)}${sinceText(since)}`)
  const others = sources.slice(maxNamed).map(({ since }) => since)
  return others.length === 0 ? named : [...named, `${others.length}${sinceText(others.reduce((last, since) => (since === null || (last !== null && last > since) ? last : since)))}`]
}

const sinceText = (since: number | null): string => (since === null ? '' : `;since=${since}`)

const item = /^(?:"([^"\\]+)"|(\d+))(?:;since=(\d+))?$/
const Item = z.string().regex(item).transform((text): DatedSource => {
  const [, source, others, since] = item.exec(text) ?? []
  return { source: source ?? (others === '1' ? '1 other' : `${others} others`), since: since === undefined ? null : Number(since) }
})

/** None where the header is not there. Throws ZodError where it is none of ours. */
export const datedOf = (header: string | null): DatedSource[] => (header === null ? [] : z.array(Item).parse(header.split(', ')))
