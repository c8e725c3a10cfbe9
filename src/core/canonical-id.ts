import type { IdRule } from '../../schemas/settings.ts'
import { foldTable } from './fold-table.ts'

/**
 * The key that a native id has under the application's rule: two spellings that the application holds to be one give one key.
 * `exact` keeps it, `fold` folds case (simple folding: one code point to one, independent of language), `nfc` composes.
 */
export function canonicalId(rule: IdRule, native: string): string {
  switch (rule) {
    case 'exact':
      return native
    case 'fold':
      return fold(native)
    case 'nfc':
      // The one use of `normalize`: by Unicode's stability policy a string of assigned characters has the same NFC in every later
      // version. Only a character that this runtime does not know yet may come out differently under a newer one.
      return native.normalize('NFC')
  }
}

/** How match keys are compared: without ASCII white space around them, case folded. */
export function foldKey(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isAsciiSpace(text.charCodeAt(from))) from++
  while (to > from && isAsciiSpace(text.charCodeAt(to - 1))) to--
  return fold(text.slice(from, to))
}

const folded = new Map<number, number>()
for (const [first, last, step, delta] of foldTable) {
  for (let codePoint = first; codePoint <= last; codePoint += step) folded.set(codePoint, codePoint + delta)
}

/** By a table that is frozen in this repository, so that the same bytes come out under every Node and every ICU. */
function fold(text: string): string {
  if (isFoldedAscii(text)) return text
  let result = ''
  for (const character of text) {
    const to = folded.get(character.codePointAt(0)!)
    result += to === undefined ? character : String.fromCodePoint(to)
  }
  return result
}

function isFoldedAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f || (unit >= 0x41 && unit <= 0x5a)) return false
  }
  return true
}

/** Space, tab, line feed, vertical tab, form feed, carriage return. */
function isAsciiSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
}
