/** Freezes a JSON value in depth: whoever holds it may count on what it says, and on being the same where it is the same object. */
export function deepFreeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') deepFreeze(item)
  } else {
    for (const name in value) if (typeof value[name] === 'object') deepFreeze(value[name])
  }
  return value
}
