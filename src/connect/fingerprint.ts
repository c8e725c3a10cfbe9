import { createHash } from 'node:crypto'

/** Equal for equal content, as far as JSON can say it; numbers that a double can not hold count as they are. */
export const fingerprint = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([value], (_key, held: unknown) => (typeof held === 'bigint' ? `${held}n` : held)))
    .digest('base64')

/** The same of what is known by its bytes only; where one ends and the next begins counts. */
export function bytesFingerprint(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('base64')
}
