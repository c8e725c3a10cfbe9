import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../config/config-error.ts'
import { webhookScenarios } from '../conformance/webhook-scenarios.ts'
import { hookSettings, missedOf, parcelsAt, truthOf } from '../hostile/webhook-events.ts'
import { type Answered, post } from '../hostile/webhook-post.ts'
import { departures, hookSecrets, type Parcel, type Scheme, schemes } from '../hostile/webhook-sender.ts'

export interface HookOptions {
  scheme: Scheme
  fault: string[]
}

/** What begins with a process that ends is for the kit alone. */
const known = webhookScenarios.filter(({ restarts }) => restarts !== true)
const meant = { exact: 'all has to be known', named: 'a loss has to be told', safe: 'all has to be known, or a loss told' } as const

/** Delivers to a receiver what the faults make of honest deliveries. Fails where one was taken that is forged, or refused that is not. */
export async function sendWebhooks(to: string | undefined, { scheme, fault }: HookOptions): Promise<void> {
  const url = addressOf(to)
  const faults = fault.map((name) => {
    const found = known.find((one) => one.name === name && (one.scheme ?? scheme) === scheme)
    if (found === undefined) throw new ConfigError(`there is no fault "${name}" of deliveries by ${schemes[scheme]}; \`grantline hostile webhooks --list\` prints them`)
    return found
  })
  const honest = parcelsAt(Date.now())
  const parcels = faults.reduce((sofar, one) => one.change(sofar), honest)
  console.log(`to ${url}, by ${schemes[scheme]}; HOSTILE_HOOK='${hookSecrets[scheme]}'`)
  for (const { name, expected } of faults) console.log(`  fault: ${name} (${meant[expected]})`)
  const taken: { parcel: Parcel; at: number }[] = []
  let wrong = 0
  for await (const { parcel, sent, forged } of departures(scheme, parcels, { nowMs: () => Date.now(), pass })) {
    const answered = await post(url, sent)
    if (isTaken(answered)) taken.push({ parcel, at: Date.now() })
    if (isTaken(answered) === forged) wrong += 1
    console.log(`${parcel.id.padEnd(8)} ${judged(answered, forged)}`)
  }
  tellWhatIsDue(honest, taken)
  if (wrong > 0) throw new Error(`the receiver is wrong about ${wrong} of the deliveries: see above`)
}

export function listHookFaults(): void {
  for (const { name, expected, scheme } of known) console.log(`${name.padEnd(50)} ${expected.padEnd(8)} ${scheme ?? ''}`.trimEnd())
}

/** An application of a config file. */
export function printHookSettings(scheme: Scheme): void {
  console.log(JSON.stringify({ connector: 'webhook', ids: 'fold', with: { baseline: 'declared' }, webhook: hookSettings(scheme, 'content') }, null, 2))
}

function addressOf(to: string | undefined): string {
  if (to === undefined || !URL.canParse(to)) throw new ConfigError('expected the address that takes them, such as http://127.0.0.1:7400/v1/webhooks/shop')
  return to
}

async function pass(ms: number): Promise<void> {
  console.log(`the next one in ${Math.ceil(ms / 1_000)} s`)
  await sleep(ms)
}

const isTaken = ({ status }: Answered): boolean => status >= 200 && status < 300

function judged(answered: Answered, forged: boolean): string {
  const what = isTaken(answered) ? 'taken' : 'refused'
  if (isTaken(answered) !== forged) return `${what}, as it has to be (${answered.status})`
  return `${what.toUpperCase()}, and is ${forged ? 'forged' : 'the application’s'} (${answered.status}) ${answered.text.slice(0, 200)}`.trimEnd()
}

function tellWhatIsDue(honest: readonly Parcel[], taken: readonly { parcel: Parcel; at: number }[]): void {
  const { accounts, numbers } = missedOf(honest, taken)
  console.log('what the application said last:')
  for (const { id, name, active, groups } of truthOf(honest).values()) {
    console.log(`  ${id.padEnd(6)} "${name}", ${active ? 'active' : 'disabled'}, in ${groups.join(', ')}${accounts.includes(id) ? '; it never came' : ''}`)
  }
  const due = [...accounts.map((id) => `the last about ${id}`), ...numbers.map((number) => `number ${number}`)]
  console.log(due.length === 0 ? 'nothing is lost' : `to be told as lost: ${due.join(', ')}`)
}
