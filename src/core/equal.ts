/** Whether two JSON values are equal: exactly where their canonical texts are, without making these. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return isNothing(a) && isNothing(b)
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false
    return true
  }
  if (Array.isArray(b)) return false
  return covers(a as JsonObject, b as JsonObject) && covers(b as JsonObject, a as JsonObject, true)
}

type JsonObject = Record<string, unknown>

/** Each field of `a` is in `b`, and equal there; a field that is undefined is none. */
function covers(a: JsonObject, b: JsonObject, namesOnly = false): boolean {
  for (const name of Object.keys(a)) {
    if (a[name] === undefined) continue
    if (!Object.hasOwn(b, name) || b[name] === undefined) return false
    if (!namesOnly && !equal(a[name], b[name])) return false
  }
  return true
}

/** In an array undefined counts as null. */
const isNothing = (value: unknown): boolean => value === null || value === undefined
