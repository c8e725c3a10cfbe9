import { z } from 'zod'
import type { Unproven } from '../reports/unproven.ts'

/** How an answer names sources that had not been read completely by the time in question: a list of RFC 9651, `"billing";since=1795858634954, "desk"`; without `since`: never. */
export const unprovenHeader = 'grantline-unproven'

export const unprovenText = (sources: readonly Unproven[]): string => sources.map(({ source, since }) => `"${source}"${since === null ? '' : `;since=${since}`}`).join(', ')

const item = /^"([^"\\]+)"(?:;since=(\d+))?$/
const Item = z.string().regex(item).transform((text): Unproven => {
  const [, source = '', since] = item.exec(text) ?? []
  return { source, since: since === undefined ? null : Number(since) }
})

/** None where the header is not there. Throws ZodError where it is none of ours. */
export const unprovenOf = (header: string | null): Unproven[] => (header === null ? [] : z.array(Item).parse(header.split(', ')))
