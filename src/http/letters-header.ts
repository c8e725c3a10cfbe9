import { z } from 'zod'
import type { OpenLetters } from '../reports/dead-letters.ts'
import { quoted } from './quoted.ts'

/** How an answer says that not all that was read is in it: a list of RFC 9651, `"billing";letters=3, "hr";letters=1`, most first. */
export const lettersHeader = 'grantline-dead-letters'

export const lettersText = (open: readonly OpenLetters[]): string => open.map(({ source, letters }) => `${quoted(source)};letters=${letters}`).join(', ')

const item = /^"([^"\\]+)";letters=(\d+)$/
const Item = z.string().regex(item).transform((text): OpenLetters => {
  const [, source = '', letters] = item.exec(text) ?? []
  return { source, letters: Number(letters) }
})

/** None where the header is not there. Throws ZodError where it is none of ours. */
export const lettersOf = (header: string | null): OpenLetters[] => (header === null ? [] : z.array(Item).parse(header.split(', ')))
