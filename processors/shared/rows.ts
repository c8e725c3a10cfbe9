/** Row keys made of several texts: any text may hold any character, and no two lists of texts give the same key. */

/** One text, length first, so that `part(a) + part(b)` names exactly (a, b) and is a prefix of nothing else. */
export const part = (text: string): string => `${text.length}:${text}`

/** The text that a key of several begins with. */
export function firstPart(key: string): string {
  const from = key.indexOf(':') + 1
  return key.slice(from, from + Number(key.slice(0, from - 1)))
}

/** A whole number of at least 0 so that code point order is its order; below that counts as 0. */
export const ordered = (value: number): string => (value <= 0 ? zero : String(value).padStart(16, '0'))

/** Of the only job in a queue, among others: asked for with nearly every record. */
const zero = '0'.repeat(16)
