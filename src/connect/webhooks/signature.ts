import { createHmac, timingSafeEqual } from 'node:crypto'

type Headers = Readonly<Record<string, string | undefined>>

/** What came: the body as it came, byte for byte. Header names in lower case. */
export interface Incoming {
  headers: Headers
  body: Uint8Array
}

export type Verified = { id: string } | { refused: string }

/**
 * Standard Webhooks: `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature` (several, parted by spaces, while keys change);
 * HMAC-SHA256 over `id.timestamp.body`. Secrets begin with `whsec_`, the rest is base64. `nowMs` against `toleranceMs` both ways.
 */
export function verifyStandard({ headers, body }: Incoming, secrets: readonly string[], nowMs: number, toleranceMs: number): Verified {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (id === undefined || id === '' || timestamp === undefined || signatures === undefined) return { refused: 'webhook-id, webhook-timestamp or webhook-signature is missing' }
  if (!/^\d{1,12}$/.test(timestamp)) return { refused: 'webhook-timestamp is no number of seconds' }
  const given = signatures.split(' ').flatMap((entry) => (entry.startsWith('v1,') ? [entry.slice(3)] : []))
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  const wanted = secrets.map((secret) => createHmac('sha256', standardKey(secret)).update(signed).digest())
  if (!anyEqual(given.map((text) => Buffer.from(text, 'base64')), wanted)) return { refused: 'no signature is right' }
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > toleranceMs) return { refused: 'the delivery is older or newer than the tolerance: a replay, or clocks that differ' }
  return { id }
}

/** Hex HMAC-SHA256 of the body, as GitHub and its like send it; nothing says when it was signed, so only the delivery's id tells a replay. */
export function verifyHmac({ headers, body }: Incoming, secrets: readonly string[], names: { signature: string; prefix: string; id: string }): Verified {
  const id = headers[names.id.toLowerCase()]
  const signature = headers[names.signature.toLowerCase()]
  if (id === undefined || id === '' || signature?.startsWith(names.prefix) !== true) return { refused: `${names.id} or ${names.signature} is missing` }
  const given = Buffer.from(signature.slice(names.prefix.length), 'hex')
  const wanted = secrets.map((secret) => createHmac('sha256', secret).update(body).digest())
  return anyEqual([given], wanted) ? { id } : { refused: 'the signature is not right' }
}

function standardKey(secret: string): Buffer {
  return Buffer.from(secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret, 'base64')
}

/** Every pair is compared, in constant time. */
function anyEqual(given: readonly Buffer[], wanted: readonly Buffer[]): boolean {
  let found = false
  for (const one of given) for (const other of wanted) if (one.length === other.length && timingSafeEqual(one, other)) found = true
  return found
}
