import type { DesiredEntry, IdentityStatus, LapsedEntry, Reason, Revocation } from '../../schemas/wire/common.ts'
import type { AccountFact } from '../../schemas/wire/facts.ts'

/** What governance says about somebody, or about one account. Entries are in force, unless what is said of the other ends them. */
export interface Said {
  readonly entries: readonly DesiredEntry[]
  readonly lapsed: readonly LapsedEntry[]
  readonly revoked: readonly Revocation[]
}

/** `start`, `endedAt`: when the person began and ended, ms; null: always, not yet. */
export interface SaidOfPerson extends Said {
  readonly status: IdentityStatus
  readonly start: number | null
  readonly endedAt: number | null
}

/** What one account of a person may hold, and what lapsed. `claimed`: what is said of this account alone gives, which no other account can hold in its place. */
interface Rights {
  readonly entries: readonly DesiredEntry[]
  readonly lapsed: readonly LapsedEntry[]
  readonly claimed: readonly DesiredEntry[]
}

type Access = Omit<Said, 'revoked'>

/**
 * What a fact tells of its account alone; null: nothing. Older releases let be said of an account what is another application's: it can't hold
 * that, and one of the same name there is not meant.
 */
export function saidOf({ app, entries, lapsed, revoked }: Pick<AccountFact, 'app' | 'entries' | 'lapsed' | 'revoked'>): Said | null {
  if (entries.length + lapsed.length === 0 && revoked === null) return null
  const isOfApp = (one: { app: string }): boolean => one.app === app
  return { entries: entries.filter(isOfApp), lapsed: lapsed.filter(isOfApp), revoked: (revoked ?? []).filter(isOfApp) }
}

/**
 * Of an account that is a person's, by what is said of the person and of this account. A decision about the person ends what began before
 * it for all of the accounts, one about the account for this one only; nothing is the account's before the person begins or after they end.
 */
export function rightsOf(person: SaidOfPerson, account: Said): Rights {
  const { status, endedAt } = person
  const shared = without(person, account.revoked)
  // who has ended has nothing left to lose
  const revoked = status === 'ended' && endedAt !== null ? person.revoked.filter(({ reason }) => reason.from < endedAt) : person.revoked
  const own = inTenure(without(account, revoked), person)
  const entries = united([...shared.entries, ...own.entries])
  const lapsed = lastOf([...shared.lapsed, ...own.lapsed], entries)
  return { entries, lapsed, claimed: own.entries }
}

function inTenure({ entries, lapsed }: Access, { status, start, endedAt }: SaidOfPerson): Access {
  if (status === 'planned' || (status === 'ended' && endedAt === null)) return { entries: [], lapsed: [] }
  const begun = start ?? -Infinity
  const before = lapsed.filter(({ at, why }) => at > begun || why === 'denied')
  if (status === 'ended') {
    const ends = entries.filter(({ from }) => from < endedAt!).map(({ app, entitlement, reasons }): LapsedEntry => (
      { app, entitlement, at: endedAt!, why: 'ended', reason: reasons[0]! }
    ))
    return { entries: [], lapsed: [...before.flatMap((lapse) => upTo(endedAt!, lapse)), ...ends] }
  }
  return { entries: entries.map((entry) => (entry.from >= begun ? entry : { ...entry, from: begun })), lapsed: before }
}

/** What lapsed after its person had ended lapsed with them, and what began after that was never theirs. */
function upTo(endedAt: number, lapse: LapsedEntry): LapsedEntry[] {
  if (lapse.at <= endedAt) return [lapse]
  return lapse.reason.from < endedAt ? [{ ...lapse, at: endedAt, why: 'ended' }] : []
}

/** Without the reasons that began before one of the revocations. */
function without({ entries, lapsed }: Access, revoked: readonly Revocation[]): Access {
  if (revoked.length === 0) return { entries, lapsed }
  const denied: LapsedEntry[] = []
  const decided = inOrder(revoked)
  const left = entries.flatMap((entry) => {
    const ends = entry.reasons.map((reason) => endOf(decided, entry, reason))
    const reasons = entry.reasons.filter((_reason, i) => ends[i] === undefined)
    if (reasons.length === entry.reasons.length) return [entry]
    if (reasons.length > 0) return [{ ...entry, from: Math.max(entry.from, earliest(reasons)), until: latest(reasons), reasons }]
    denied.push(...ends.map((reason): LapsedEntry => ({ app: entry.app, entitlement: entry.entitlement, at: reason!.from, why: 'denied', reason: reason! })))
    return []
  })
  const cut = lapsed.map((lapse): LapsedEntry => {
    const end = endOf(decided, lapse, lapse.reason)
    return end === undefined || end.from >= lapse.at ? lapse : { ...lapse, at: end.from, why: 'denied', reason: end }
  })
  return { entries: left, lapsed: [...cut, ...denied] }
}

/** The decisions about each entitlement, the first of them first: there may be thousands, and as many entries to look them up for. */
function inOrder(revoked: readonly Revocation[]): ReadonlyMap<string, readonly Reason[]> {
  const all = new Map<string, Reason[]>()
  for (const one of revoked) {
    const reasons = all.get(nameOf(one))
    if (reasons === undefined) all.set(nameOf(one), [one.reason])
    else reasons.push(one.reason)
  }
  for (const reasons of all.values()) reasons.sort((a, b) => a.from - b.from)
  return all
}

/** The first decision that ends it. */
const endOf = (decided: ReadonlyMap<string, readonly Reason[]>, entry: Named, { from }: Reason): Reason | undefined =>
  decided.get(nameOf(entry))?.find((reason) => reason.from > from)

/** An entitlement that is given twice is one, for all reasons of both. */
function united(entries: readonly DesiredEntry[]): DesiredEntry[] {
  const all = new Map<string, DesiredEntry>()
  for (const entry of entries) {
    const other = all.get(nameOf(entry))
    all.set(nameOf(entry), other === undefined ? entry : {
      ...entry, from: Math.min(entry.from, other.from), until: latest([entry, other]), reasons: [...other.reasons, ...entry.reasons],
    })
  }
  return [...all.values()]
}

/** Of each entitlement that is not there the lapse that came last. */
function lastOf(lapsed: readonly LapsedEntry[], entries: readonly Named[]): LapsedEntry[] {
  const there = new Set(entries.map(nameOf))
  const all = new Map<string, LapsedEntry>()
  for (const lapse of lapsed) {
    const name = nameOf(lapse)
    if (!there.has(name) && lapse.at > (all.get(name)?.at ?? -Infinity)) all.set(name, lapse)
  }
  return [...all.values()]
}

interface Named {
  readonly app: string
  readonly entitlement: string
}

/** App names have no slash. */
const nameOf = ({ app, entitlement }: Named): string => `${app}/${entitlement}`

const earliest = (all: readonly { from: number }[]): number => Math.min(...all.map(({ from }) => from))

function latest(all: readonly { until: number | null }[]): number | null {
  const ends = all.map(({ until }) => until)
  return ends.includes(null) ? null : Math.max(...(ends as number[]))
}
