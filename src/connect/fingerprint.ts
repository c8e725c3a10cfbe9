import { createHash } from 'node:crypto'

/** Equal for equal content, as far as JSON can say it; numbers that a double can not hold count as they are. */
export const fingerprint = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([value], (_key, held: unknown) => (typeof held === 'bigint' ? `${held}n` : held)))
    .digest('base64')
