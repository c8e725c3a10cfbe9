import { createHmac } from 'node:crypto'

/** A delivery on its way. What is changed in `body` or `signedAt` is signed so; `tamper` and `headers` come after the signature. */
export interface Parcel {
  id: string
  body: string
  /** ms */
  signedAt: number
  /** of another sender */
  secret?: string
  tamper?: (bytes: Buffer) => Buffer
  headers?: Record<string, string | undefined>
  /** sent so long after the one before, ms */
  afterMs?: number
  /** never sent */
  lost?: true
}

export interface Sent {
  headers: Record<string, string | undefined>
  body: Buffer
}

interface Departure {
  parcel: Parcel
  sent: Sent
  /** no receiver may take it */
  forged: boolean
}

/** Whose time it is sent in. */
interface SenderTime {
  nowMs(): number
  pass(ms: number): Promise<void>
}

export type Scheme = 'standard' | 'hmac'
export const schemes: Record<Scheme, string> = { standard: 'Standard Webhooks', hmac: 'HMAC of the body, as GitHub does' }
export const hookSecrets: Record<Scheme, string> = { standard: `whsec_${Buffer.from('a key of the hostile application').toString('base64')}`, hmac: 'a secret of the hostile application' }

/** What Standard Webhooks has receivers believe, both ways. */
const toleranceMs = 300_000

/** Parcels as they leave, in their order and at their times. */
export async function* departures(scheme: Scheme, parcels: readonly Parcel[], time: SenderTime): AsyncGenerator<Departure> {
  for (const parcel of parcels) {
    if (parcel.lost === true) continue
    if (parcel.afterMs !== undefined) await time.pass(parcel.afterMs)
    yield { parcel, sent: send(scheme, parcel), forged: isForged(scheme, parcel, time.nowMs()) }
  }
}

/** As an application sends it: Standard Webhooks, or an HMAC of the body alone with the id beside it. */
export function send(scheme: Scheme, { id, body, signedAt, secret = hookSecrets[scheme], tamper = (bytes) => bytes, headers = {} }: Parcel): Sent {
  const bytes = Buffer.from(body)
  const seconds = String(Math.floor(signedAt / 1_000))
  const sign = (key: string | Buffer, content: Buffer) => createHmac('sha256', key).update(content)
  const own = scheme === 'standard'
    ? {
        'webhook-id': id, 'webhook-timestamp': seconds,
        'webhook-signature': `v1,${sign(Buffer.from(secret.slice('whsec_'.length), 'base64'), Buffer.concat([Buffer.from(`${id}.${seconds}.`), bytes])).digest('base64')}`,
      }
    : { 'x-github-delivery': id, 'x-hub-signature-256': `sha256=${sign(secret, bytes).digest('hex')}` }
  return { headers: { ...own, ...headers }, body: tamper(bytes) }
}

/** Where only the body is signed nothing tells when. */
const isForged = (scheme: Scheme, { secret, tamper, headers, signedAt }: Parcel, nowMs: number): boolean =>
  secret !== undefined || tamper !== undefined || headers !== undefined || (scheme === 'standard' && Math.abs(nowMs - signedAt) > toleranceMs)
