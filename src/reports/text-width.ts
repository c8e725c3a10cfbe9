const marks = /\p{Mark}|\p{Format}/u
const wide = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\uff01-\uff60]/u

/** Control characters and direction marks come from applications and would steer the terminal. */
export const visible = (text: string): string => text.replace(/[\p{Control}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')

/** Terminal columns of one character. */
const charWidth = (char: string): number => (marks.test(char) ? 0 : wide.test(char) ? 2 : 1)

/** Terminal columns that the text takes. */
export function textWidth(text: string): number {
  let width = 0
  for (const char of text) width += charWidth(char)
  return width
}

/** The text in at most `width` columns; what is left out shows as `…`. */
export function fit(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const char of text) {
    used += charWidth(char)
    if (used > width - 1) break
    kept += char
  }
  return `${kept}…`
}
