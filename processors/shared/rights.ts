import type { DesiredEntry, IdentityStatus, LapsedEntry, Reason, Revocation } from '../../schemas/wire/common.ts'

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
export interface Rights {
  readonly entries: readonly DesiredEntry[]
  readonly lapsed: readonly LapsedEntry[]
  readonly claimed: readonly DesiredEntry[]
}

type Access = Omit<Said, 'revoked'>

/**
 * Of an account that is a person's, by what is said of the person and of this account. A decision about the person ends what began before
 * it for all of the accounts, one about the account for this one only; nothing is the account's before the person begins or after they end.
 */
export function rightsOf(person: SaidOfPerson, account: Said): Rights {
  const shared = without(person, account.revoked)
  const own = inTenure(without(account, person.revoked), person)
  const entries = united([...shared.entries, ...own.entries])
  const lapsed = lastOf([...shared.lapsed, ...own.lapsed], entries)
  return { entries, lapsed, claimed: own.entries }
}

function inTenure({ entries, lapsed }: Access, { status, start, endedAt }: SaidOfPerson): Access {
  if (status === 'planned' || (status === 'ended' && endedAt === null)) return { entries: [], lapsed: [] }
  const begun = start ?? -Infinity
  const ends = (entry: DesiredEntry): LapsedEntry[] =>
    entry.from >= endedAt! ? [] : [{ app: entry.app, entitlement: entry.entitlement, at: endedAt!, why: 'ended', reason: entry.reasons[0]! }]
  const before = lapsed.filter(({ at, why }) => at > begun || why === 'denied')
  if (status === 'ended') return { entries: [], lapsed: [...before, ...entries.flatMap(ends)] }
  return { entries: entries.map((entry) => (entry.from >= begun ? entry : { ...entry, from: begun })), lapsed: before }
}

/** Without the reasons that began before one of the revocations. */
function without({ entries, lapsed }: Access, revoked: readonly Revocation[]): Access {
  if (revoked.length === 0) return { entries, lapsed }
  const denied: LapsedEntry[] = []
  const left = entries.flatMap((entry) => {
    const ends = entry.reasons.map((reason) => endOf(revoked, entry, reason))
    const reasons = entry.reasons.filter((_reason, i) => ends[i] === undefined)
    if (reasons.length === entry.reasons.length) return [entry]
    if (reasons.length > 0) return [{ ...entry, from: Math.max(entry.from, earliest(reasons)), until: latest(reasons), reasons }]
    denied.push(...ends.map((reason): LapsedEntry => ({ app: entry.app, entitlement: entry.entitlement, at: reason!.from, why: 'denied', reason: reason! })))
    return []
  })
  const cut = lapsed.map((lapse): LapsedEntry => {
    const end = endOf(revoked, lapse, lapse.reason)
    return end === undefined || end.from >= lapse.at ? lapse : { ...lapse, at: end.from, why: 'denied', reason: end }
  })
  return { entries: left, lapsed: [...cut, ...denied] }
}

/** The first decision that ends it. */
function endOf(revoked: readonly Revocation[], { app, entitlement }: Named, { from }: Reason): Reason | undefined {
  const ends = revoked.filter((one) => one.app === app && one.entitlement === entitlement && one.reason.from > from)
  return ends.map(({ reason }) => reason).sort((a, b) => a.from - b.from)[0]
}

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
