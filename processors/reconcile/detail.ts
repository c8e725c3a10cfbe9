import type { AccountKind, DesiredEntry, LapsedEntry, Reason } from '../../schemas/wire/common.ts'
import type { SodRule } from '../../schemas/settings.ts'
import { compareKeys } from '../../src/core/order.ts'
import { isoDate } from './iso.ts'
import type { HeldRow } from './model.ts'

/**
 * One plain sentence for each finding. A sentence names dates, never ages, so that it stays the same while time passes: a new
 * sentence is a change of the finding.
 */

const nouns: Readonly<Record<AccountKind, string>> = { human: 'account', service: 'service account', apikey: 'API key', token: 'token' }
const firstNouns: Readonly<Record<AccountKind, string>> = { ...nouns, human: 'Account', service: 'Service account', token: 'Token' }

interface Named {
  kind: AccountKind
  app: string
  account: string
}

interface Item {
  app: string
  entitlement: string
}

/** Whose access it is, as a sentence begins: homes are `identity/<id>` and `account/<app>/<id>`. */
export function holderName(home: string): string {
  const [kind = '', ...rest] = home.split('/')
  if (kind === 'identity') return `Identity ${rest.join('/')}`
  return `Account ${rest.slice(1).join('/')} in ${rest[0] ?? ''}`
}

/** As a sentence begins, and inside one. */
const named = ({ kind, app, account }: Named): string => `${firstNouns[kind]} ${account} in ${app}`
const inside = ({ kind, app, account }: Named): string => `${nouns[kind]} ${account} in ${app}`

export function unauthorisedDetail(account: Named, entitlement: string, lapse: LapsedEntry | null): string {
  const holds = `${named(account)} holds ${entitlement}`
  return lapse === null ? `${holds}, which nothing that was approved or assigned explains.` : `${holds}, but ${lapseClause(lapse)}.`
}

function lapseClause({ why, at, reason }: LapsedEntry): string {
  const date = isoDate(at)
  switch (why) {
    case 'expired':
      return `${reasonName(reason)} expired on ${date}`
    case 'withdrawn':
      return `${reasonName(reason)} no longer gives it since ${date}`
    case 'denied':
      if (reason.kind === 'decision') return `${reasonName(reason)}${by(reason)} revoked it on ${date}`
      return `${reasonName(reason)} was revoked on ${date}`
    case 'ended':
      return `the identity that had it by ${reasonName(reason)} ended on ${date}`
  }
}

const reasonNouns: Readonly<Record<Reason['kind'], string>> = { 'business-role': 'business role', request: 'request', decision: 'decision' }
const reasonName = ({ kind, id }: Reason): string => `${reasonNouns[kind]} ${id}`
const by = (reason: Reason): string => (reason.by === null ? '' : ` by ${reason.by}`)

export function unmappedDetail(account: Named, native: string): string {
  return `${named(account)} holds ${native}, which the catalogue of ${account.app} does not name.`
}

/** `holder`: of what any account may hold its name, else the account. `disabled`: accounts that are there and hold nothing because they are disabled. */
export function missingDetail(
  holder: string | Named, entry: Pick<DesiredEntry, 'app' | 'entitlement' | 'from'>, because: readonly Reason[], disabled: readonly string[],
): string {
  const reasons = [...because].sort((a, b) => a.from - b.from || compareKeys(a.kind, b.kind) || compareKeys(a.id, b.id))
  const why = reasons[0] === undefined ? '' : ` by ${reasonName(reasons[0])}`
  const since = isoDate(entry.from)
  if (typeof holder === 'object') {
    return `${named(holder)} should hold ${entry.entitlement}${why} since ${since}, but ${disabled.length === 0 ? 'does not' : 'is disabled'}.`
  }
  const instead = disabled.length === 0 ? 'no active account there does' : `the account there (${disabled.join(', ')}) is disabled`
  return `${holder} should hold ${entry.entitlement} in ${entry.app}${why} since ${since}, but ${instead}.`
}

export function leaverDetail(account: Named, identity: string, endedAt: number): string {
  return `${named(account)} is active, but its identity ${identity} ended on ${isoDate(endedAt)}.`
}

export function orphanedDetail(account: Named): string {
  return `${named(account)} belongs to no known identity.`
}

/** `identity`: whom it is linked to. */
export function strangersDetail(account: Named, identity: string): string {
  return `${named(account)} is linked to identity ${identity}, whom no source has told of.`
}

export function unownedDetail(account: Named): string {
  return `${named(account)} has no owner who is accountable for it.`
}

export function contestedDetail(account: Named, of: 'holder' | 'owner', candidates: readonly string[]): string {
  const who = candidates.length === 0 ? 'several identities' : [...candidates].sort(compareKeys).join(', ')
  return of === 'owner' ? `The owner of ${inside(account)} is claimed by ${who}.` : `${named(account)} is claimed by ${who}.`
}

export function ownerLeftDetail(account: Named, identity: string, endedAt: number): string {
  return `${named(account)} is owned by identity ${identity}, who ended on ${isoDate(endedAt)}.`
}

export function ownerUnknownDetail(account: Named, owner: string): string {
  return `${named(account)} is owned by ${owner}, whom no source has told of.`
}

export function dormantDetail(account: Named, lastUsed: number | null, created: number, days: number): string {
  const seen = lastUsed === null ? `was never used since it was created on ${isoDate(created)}` : `was last used on ${isoDate(lastUsed)}`
  return `${named(account)} ${seen}, longer ago than the ${days} days that policy allows.`
}

export type Stale = { why: 'expired' | 'old' | 'unused' | 'never-used'; at: number; days: number }

export function staleDetail(account: Named, credential: { id: string; kind: string }, { why, at, days }: Stale): string {
  const subject = `${credential.kind} ${credential.id} of ${inside(account)}`
  const allowed = `longer ago than the ${days} days that policy allows`
  switch (why) {
    case 'expired':
      return `Credential ${subject} expired on ${isoDate(at)}.`
    case 'old':
      return `Credential ${subject} was created on ${isoDate(at)}, ${allowed}.`
    case 'unused':
      return `Credential ${subject} was last used on ${isoDate(at)}, ${allowed}.`
    case 'never-used':
      return `Credential ${subject} was never used since it was created on ${isoDate(at)}, ${allowed}.`
  }
}

export function exposedDetail(account: Named, field: string): string {
  return `${named(account)} shows what looks like a secret in ${fieldName(field)}, masked here: rotate it, and clean that field in ${account.app}.`
}

/** As facts name the fields of an account: `display`, `owner`, `credential.id`, `values.<name>`. */
function fieldName(field: string): string {
  if (field === 'display') return 'its display name'
  if (field === 'owner') return 'the name of its owner'
  return field === 'credential.id' ? 'the id of a credential' : `its attribute ${field.slice('values.'.length)}`
}

export function sodDetail(holder: string, rule: SodRule, left: readonly Item[], right: readonly Item[]): string {
  return `${holder} holds ${items(left)} and ${items(right)}, which rule ${rule.id} (${rule.name}) forbids together.`
}

function items(list: readonly Item[]): string {
  return list.map(({ app, entitlement }) => `${entitlement} in ${app}`).sort(compareKeys).join(', ')
}

export function heldDetail(held: HeldRow): string {
  const { run, source, class: of, writer, absent, present } = held
  const shown = absent < present ? `no longer shows ${absent} of ${present} ${of}` : `shows none of the ${present} ${of}`
  const release = `grantline rule ${source} --kind release --run ${run} --by NAME --reason TEXT`
  return `Run ${run} of ${source} ${shown} in partition ${writer}: held until a person releases them (${release}) or a run shows them.`
}
