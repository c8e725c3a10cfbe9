import { compareGrants } from './order.ts'

interface GrantSaid {
  entitlement: string
  native: string
  since: number
  valid: number | null
}

/** What one record says of an account at a home, as `AccessChange` has it: of all its grants, or of those that are asked about. Times in ms. */
export interface AccessSaid {
  home: string
  app: string
  account: string
  gone: boolean
  set: readonly GrantSaid[]
  /** entitlements that it speaks of besides: a grant of one that is not in `set` is not held any more */
  removed: readonly string[]
  valid: number | null
  observed: number
  decided: number
}

/** As long as one record's word on one grant is in force: from `from` up to `until`, ms; Infinity: still. Empty where `until` is not later. */
export interface Span<C extends AccessSaid> {
  said: C
  grant: C['set'][number]
  from: number
  until: number
}

/** A grant that is held at one time, and who says so: `subject` whose account it was then and in which state, `said` the grant. */
export interface Held<C extends AccessSaid> {
  subject: C
  said: C
  grant: C['set'][number]
}

/** One stretch of time in which a home's account held a grant: every record that told of it, and the one that no longer did. */
interface Holding<C extends AccessSaid> {
  mentions: { said: C; grant: C['set'][number] }[]
  lost: C | null
}

/**
 * What an account held from when to when, by all records about it that count, those of a home in the order of its partition. A grant is
 * held from when its source says it began, else from when it was first observed, to the observation that no longer showed it: an account's
 * own `valid` says nothing about one of its grants. It is never held at a home before the account's previous home lost it. A verdict is in
 * force from its decision to the next one; the first one of a holding speaks for all the time before it.
 */
export function spansOf<C extends AccessSaid>(account: readonly C[]): Span<C>[] {
  const leaves = account.filter(({ gone }) => gone).map(({ observed }) => observed)
  return homesOf(account).flatMap((home) => spansAtHome(home, leaves))
}

/** What an account held at `at`, ms, by the same records. Homes in the order in which they come first, of each by entitlement and native name. */
export function heldAt<C extends AccessSaid>(account: readonly C[], at: number): Held<C>[] {
  const leaves = account.filter(({ gone }) => gone).map(({ observed }) => observed)
  return homesOf(account).flatMap((home) => {
    const subject = subjectAt(home, at)
    if (subject === null) return []
    return spansAtHome(home, leaves)
      .filter(({ from, until }) => from <= at && at < until)
      .map(({ said, grant }) => ({ subject, said, grant }))
      .sort(({ grant: a }, { grant: b }) => compareGrants(a, b))
  })
}

const homesOf = <C extends AccessSaid>(account: readonly C[]): C[][] => [...Map.groupBy(account, ({ home }) => home).values()]

/** Whose account it was and in which state: as the newest record said that was true by then, else as the first one did. */
function subjectAt<C extends AccessSaid>(home: readonly C[], at: number): C | null {
  const present = home.filter(({ gone }) => !gone)
  return present.findLast(({ valid, observed }) => (valid ?? observed) <= at) ?? present[0] ?? null
}

function spansAtHome<C extends AccessSaid>(home: readonly C[], leaves: readonly number[]): Span<C>[] {
  return holdingsOf(home).flatMap(({ mentions, lost }) => {
    const last = mentions.at(-1)!.grant
    const seen = Math.min(lost?.observed ?? Infinity, ...mentions.map(({ said }) => said.observed))
    const arrived = Math.max(-Infinity, ...leaves.filter((left) => left <= seen))
    const begins = Math.max(last.valid ?? last.since, arrived)
    return mentions.map(({ said, grant }, i) => ({
      said,
      grant,
      from: i === 0 ? begins : Math.max(begins, said.decided),
      until: Math.min(mentions[i + 1]?.said.decided ?? Infinity, lost?.observed ?? Infinity),
    }))
  })
}

function holdingsOf<C extends AccessSaid>(home: readonly C[]): Holding<C>[] {
  const ended: Holding<C>[] = []
  const open = new Map<string, Holding<C>>()
  for (const said of home) {
    const shown = new Map<string, C['set'][number]>()
    const named = new Set(said.removed)
    for (const grant of said.set) {
      const name = JSON.stringify([grant.entitlement, grant.native])
      if (!shown.has(name)) shown.set(name, grant)
      named.add(grant.entitlement)
    }
    for (const [name, holding] of open) {
      if (shown.has(name) || !(said.gone || named.has(holding.mentions[0]!.grant.entitlement))) continue
      ended.push({ ...holding, lost: said })
      open.delete(name)
    }
    for (const [name, grant] of shown) {
      const holding = open.get(name)
      if (holding === undefined) open.set(name, { mentions: [{ said, grant }], lost: null })
      else holding.mentions.push({ said, grant })
    }
  }
  return [...ended, ...open.values()]
}
