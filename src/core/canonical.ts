import { compareKeys } from './order.ts'
import { sha256Of } from './sha256.ts'

/** JSON with object keys in code point order and no white space: equal values give equal text. */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (value === null || typeof value !== 'object') return value === undefined ? 'null' : JSON.stringify(value)
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length; i++) text += i === 0 ? canonical(value[i]) : `,${canonical(value[i])}`
    return `${text}]`
  }
  const object = value as Record<string, unknown>
  let text = '{'
  for (const key of sortedKeys(object)) {
    const field = object[key]
    if (field !== undefined) text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${canonical(field)}`
  }
  return `${text}}`
}

/** First 128 bits of SHA-256, hex. */
export function digest(text: string): string {
  return sha256Of(text).slice(0, 32)
}

const quoted = (text: string): string => (isPlain(text) ? `"${text}"` : JSON.stringify(text))

/** JSON writes it as it stands: no quotes, backslashes, control characters or surrogates. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0xd800 && unit <= 0xdfff)) return false
  }
  return true
}

function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  for (let i = 1; i < keys.length; i++) if (compareKeys(keys[i - 1]!, keys[i]!) > 0) return keys.sort(compareKeys)
  return keys
}
