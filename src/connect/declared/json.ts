/** ES2026, which no library of types has yet. */
interface JsonWithSource {
  parse(text: string, reviver?: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
  stringify(value: unknown, replacer: (key: string, value: unknown) => unknown): string
  /** A value that is written as this text. */
  rawJSON(text: string): object
  isRawJSON(value: unknown): boolean
}
const json = JSON as unknown as JsonWithSource

/** JSON, but whole numbers that a double can't hold become bigint: two ids of 17 digits would else be one. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return json.parse(text)
  return json.parse(text, (_key, value, { source }) => (typeof value === 'number' ? (wholeOf(value, source) ?? value) : value))
}

/**
 * JSON of which something is to be written back: `writeJson` gives every number again as it came. One that is not whole and that no double
 * holds can't be counted or compared with, only passed on.
 */
export function parseExactJson(text: string): unknown {
  return json.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value
    return wholeOf(value, source) ?? (decimal(source) === decimal(String(value)) ? value : json.rawJSON(source))
  })
}

/** JSON of what was read by either, bigint as the digits that it is. */
export const writeJson = (value: unknown): string => json.stringify(value, (_key, item) => (typeof item === 'bigint' ? json.rawJSON(String(item)) : item))

/** A number as it came, kept by `parseExactJson`. */
export const isKept = (value: unknown): boolean => json.isRawJSON(value)

const wholeOf = (value: number, source: string | undefined): bigint | null =>
  !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : null

/** The same text for equal numbers, however they are written: sign, digits without zeros around them, power of ten. */
function decimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  return significant === '' ? '0' : `${sign}${significant}e${Number(power) - fraction.length + digits.length - significant.length}`
}
