/** The protocol's name of an error, of the outermost cause that has one: kafkajs wraps what it gives up on. */
export function errorType(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: unknown }
    if (typeof type === 'string') return type
  }
  return undefined
}
