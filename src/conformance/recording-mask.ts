import { createHmac } from 'node:crypto'
import { looksSecret } from '../connect/secret-like.ts'
import type { Answer } from '../hostile/exchange.ts'

/** What stands in a recording for each known secret, and what a connector that is run on it gets in place of them. */
export const standIn = 'recorded'

interface RecordingMask {
  text(text: string): string
  answer(answer: Answer): Answer
}

/**
 * Takes out of answers what is secret: the known ones, headers that authenticate or hold a session, values that look like a secret or are
 * called one. Equal values stay equal, by a digest under `key`, which nobody keeps.
 */
export function recordingMask(secrets: readonly string[], key: Uint8Array): RecordingMask {
  const forms = secrets.filter((secret) => secret.length >= 4).flatMap((secret) => [
    [secret, standIn], [encodeURIComponent(secret), standIn], [Buffer.from(secret).toString('base64'), Buffer.from(standIn).toString('base64')],
  ] as const)
  const text = (value: string): string => forms.reduce((sofar, [from, to]) => sofar.replaceAll(from, to), value)
  const masked = (value: string): string => `<secret ${createHmac('sha256', key).update(value).digest('hex').slice(0, 16)}>`
  const visit = (name: string, value: unknown): unknown => {
    if (typeof value === 'string') return looksSecret(value) || (isSecretName(name) && !isTime(value)) ? masked(value) : text(value)
    if (Array.isArray(value)) return value.map((item) => visit(name, item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([field, item]) => [field, visit(field, item)]))
  }
  return {
    text,
    answer({ status, headers, json, raw }) {
      const kept = Object.entries(headers).filter(([name, value]) => !isSecretName(name) && !looksSecret(value)).map(([name, value]) => [name, text(value)])
      const own = { status, headers: Object.fromEntries(kept) as Record<string, string> }
      return raw === undefined ? { ...own, json: visit('', json) } : { ...own, json: null, raw: looksSecret(raw) ? masked(raw) : text(raw) }
    },
  }
}

/** `nextPageToken` leads to the next page: it opens nothing. */
const isSecretName = (name: string): boolean =>
  /auth|cookie|token|secret|passw|session|csrf|xsrf|api-?_?key|private-?_?key|signature|otp/i.test(name) && !/page|next|cursor|continu|sync/i.test(name)

/** When a secret was made or ends is none. */
const isTime = (value: string): boolean => value === '' || /^\d{9,14}$/.test(value) || /^\d{4}-\d\d-\d\d([T ]|$)/.test(value)
