import { eventOf, type HookEvent } from '../hostile/webhook-events.ts'
import type { Parcel, Scheme } from '../hostile/webhook-sender.ts'

/**
 * `exact`: what is known in the end is the truth, and nothing is told as lost. `named`: what did not arrive is told. `safe`: either of the two.
 */
export interface WebhookScenario {
  readonly name: string
  readonly expected: 'exact' | 'named' | 'safe'
  /** of whose signatures it speaks; absent: both */
  readonly scheme?: Scheme
  /** the process is another one for the second half */
  readonly restarts?: boolean
  /** so long after the last delivery it is looked for what is missing, ms */
  readonly lookAfterMs?: number
  change(parcels: readonly Parcel[]): Parcel[]
}

/** The third of the deliveries is another one; it alone tells of its account. */
const third = (name: string, expected: WebhookScenario['expected'], change: (parcel: Parcel) => Parcel, more: Partial<WebhookScenario> = {}): WebhookScenario => ({
  name, expected, ...more, change: (parcels) => parcels.map((parcel, at) => (at === 2 ? change(parcel) : parcel)),
})
const all = (name: string, expected: WebhookScenario['expected'], change: WebhookScenario['change'], more: Partial<WebhookScenario> = {}): WebhookScenario => ({ name, expected, ...more, change })

const event = (change: (event: HookEvent) => unknown) => (parcel: Parcel): Parcel => ({ ...parcel, body: JSON.stringify(change(eventOf(parcel))) })
const signatureHeader = { standard: 'webhook-signature', hmac: 'x-hub-signature-256' } as const

/** How deliveries are forged, repeated, overtaken, damaged and lost. */
export const webhookScenarios: readonly WebhookScenario[] = [
  third('signed with another secret', 'named', (parcel) => ({ ...parcel, secret: `whsec_${Buffer.from('somebody else’s key').toString('base64')}` })),
  third('one byte changed on the way', 'named', (parcel) => ({ ...parcel, tamper: (bytes) => Buffer.from(bytes.toString('utf8').replace('"Name', '"Fame')) })),
  third('cut on the way', 'named', (parcel) => ({ ...parcel, tamper: (bytes) => bytes.subarray(0, bytes.length >> 1) })),
  third('emptied on the way', 'named', (parcel) => ({ ...parcel, tamper: () => Buffer.alloc(0) })),
  ...(['standard', 'hmac'] as const).flatMap((scheme) => [
    third(`no signature, ${scheme}`, 'named', (parcel) => ({ ...parcel, headers: { [signatureHeader[scheme]]: undefined } }), { scheme }),
    third(`a signature of another kind, ${scheme}`, 'named', (parcel) => ({ ...parcel, headers: { [signatureHeader[scheme]]: 'v9,AAAA sha1=00' } }), { scheme }),
  ]),
  third('no id, standard', 'named', (parcel) => ({ ...parcel, headers: { 'webhook-id': undefined } }), { scheme: 'standard' }),
  third('another id than was signed', 'named', (parcel) => ({ ...parcel, headers: { 'webhook-id': 'msg-other' } }), { scheme: 'standard' }),
  third('signed long ago', 'named', (parcel) => ({ ...parcel, signedAt: parcel.signedAt - 400_000 }), { scheme: 'standard' }),
  third('signed in the future', 'named', (parcel) => ({ ...parcel, signedAt: parcel.signedAt + 400_000 }), { scheme: 'standard' }),
  third('the sender cut it before it signed it', 'named', (parcel) => ({ ...parcel, body: parcel.body.slice(0, parcel.body.length >> 1) })),
  third('the sender signed nothing', 'named', (parcel) => ({ ...parcel, body: '' })),
  third('the sender signed null', 'named', (parcel) => ({ ...parcel, body: 'null' })),
  third('the account has no id', 'named', event(({ user: { id: _, ...user }, ...rest }) => ({ ...rest, user }))),
  // Where the account is only to be read again, these two say enough.
  third('the account’s id is a list', 'safe', event((one) => ({ ...one, user: { ...one.user, id: [one.user.id] } }))),
  third('the state is a word that nobody knows', 'safe', event((one) => ({ ...one, user: { ...one.user, active: 'perhaps' } }))),
  third('the sequence is a text', 'named', event((one) => ({ ...one, seq: 'three' }))),
  third('there is no sequence', 'named', event(({ seq: _, ...one }) => one)),
  third('never sent', 'named', (parcel) => ({ ...parcel, lost: true })),
  all('each is sent twice', 'exact', (parcels) => parcels.flatMap((parcel) => [parcel, parcel])),
  all('everything is sent again at the end', 'exact', (parcels) => [...parcels, ...parcels]),
  all('everything is sent again by another process', 'exact', (parcels) => [...parcels, ...parcels], { restarts: true }),
  all('everything is sent again ten minutes later', 'exact', (parcels) => [...parcels, ...parcels.map((parcel, at) => (at === 0 ? { ...parcel, afterMs: 600_000 } : parcel))]),
  // Nothing that is signed tells the id of such a delivery: it is told as repeated, and older than what is known.
  all('everything is sent again under other ids', 'safe', (parcels) => [...parcels, ...parcels.map((parcel) => ({ ...parcel, id: `again-${parcel.id}` }))]),
  all('the last one comes first', 'exact', (parcels) => [...parcels].reverse()),
  all('neighbours change places', 'exact', (parcels) => parcels.flatMap((_, at) => (at % 2 === 0 ? [parcels[at + 1], parcels[at]] : [])).filter((parcel) => parcel !== undefined)),
  all('one is overtaken for most of a minute', 'exact', (parcels) => [...parcels.slice(0, 2), ...parcels.slice(3), { ...parcels[2]!, afterMs: 50_000 }]),
  all('one comes after it was given up', 'named', (parcels) => [...parcels.slice(0, 2), ...parcels.slice(3), { ...parcels[2]!, signedAt: parcels[2]!.signedAt + 120_000, afterMs: 120_000 }]),
  all('two deliveries have one id', 'named', (parcels) => parcels.map((parcel, at) => (at === 2 ? { ...parcel, id: parcels[1]!.id } : parcel))),
  // Where accounts are only to be read again nothing is lost by it.
  all('the sender begins to count anew', 'safe', (parcels) => parcels.map((parcel, at) => (at < 2 ? parcel : event((one) => ({ ...one, seq: one.seq - 2 }))(parcel)))),
  all('the last ones are never sent', 'named', (parcels) => parcels.slice(0, 2), { lookAfterMs: 1_000_000 }),
  all('the process is another one in the middle', 'exact', (parcels) => [...parcels], { restarts: true }),
]
