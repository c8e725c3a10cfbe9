type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parseWith = JSON.parse as (text: string, reviver?: Reviver) => unknown

/** JSON, but whole numbers that a double can't hold become bigint: two ids of 17 digits would else be one. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return parseWith(text)
  return parseWith(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value)
}
