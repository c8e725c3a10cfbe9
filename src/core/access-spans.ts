import { isIdentityHome } from './keys.ts'
import { compareGrants } from './order.ts'

interface GrantSaid {
  entitlement: string
  native: string
  since: number
  valid: number | null
}

/** What one record says of an account at a home, as `AccessChange` has it: of all its grants, or of those that are asked about. Times in ms. */
interface AccessSaid {
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

/** A record's word on an account up to the one that says it left this home. */
interface Stay<C extends AccessSaid> {
  records: readonly C[]
  left: C | null
  /** it left for another home: one that begins with the same observation */
  moved: boolean
}

/** When an account left a home, and the observation that this rests on. ms */
interface Departure {
  observed: number
  at: number
}

/**
 * What an account held from when to when, by all records about it that count, those of a home in the order of its partition. A grant is
 * held from when its source says it began, else from when it was first observed, to the observation that no longer showed it: an account's
 * own `valid` says nothing about one of its grants. It is never held at a home before the account's previous home lost it. A verdict is in
 * force from its decision to the next one; the first one of a holding speaks for all the time before it.
 *
 * A person keeps an account that nothing new was observed of (a key or a link went to another) until that was decided: the observation
 * that the move rests on may be years older. So does whoever holds accounts of an application that is retired. From nobody to a person it
 * counts from the observation: it was theirs before it was known.
 */
export function spansOf<C extends AccessSaid>(account: readonly C[]): Span<C>[] {
  return homesOf(account).flatMap(({ spans }) => spans)
}

/** What an account held at `at`, ms, by the same records. Homes in the order in which they come first, of each by entitlement and native name. */
export function heldAt<C extends AccessSaid>(account: readonly C[], at: number): Held<C>[] {
  return homesOf(account).flatMap(({ records, spans }) => {
    const subject = subjectAt(records, at)
    if (subject === null) return []
    return spans
      .filter(({ from, until }) => from <= at && at < until)
      .map(({ said, grant }) => ({ subject, said, grant }))
      .sort(({ grant: a }, { grant: b }) => compareGrants(a, b))
  })
}

/** Each home with what was held there, in the order in which the homes come first. */
function homesOf<C extends AccessSaid>(account: readonly C[]): { records: C[]; spans: Span<C>[] }[] {
  const homes = [...Map.groupBy(account, ({ home }) => home).values()].map((records) => ({ records, spans: [] as Span<C>[] }))
  const stays = homes.flatMap(({ records, spans }) => staysOf(records).map((stay) => ({ stay, spans })))
  // homes lie in partitions with times of their own, which differ by a tick: the order of leaving is that of the stays, as none begins before the last one ended
  stays.sort(({ stay: { left: a } }, { stay: { left: b } }) => compareTimes(a?.observed, b?.observed) || compareTimes(a?.decided, b?.decided))
  for (const [i, { stay }] of stays.entries()) stay.moved = stays.slice(i + 1).some((later) => later.spans !== stays[i]!.spans && later.stay.records[0]?.observed === stay.left?.observed)
  const departures: Departure[] = []
  for (const { stay, spans } of stays) {
    spans.push(...spansOfStay(stay, departures))
    if (stay.left !== null) departures.push(departureOf(stay, stay.left, departures))
  }
  return homes
}

const compareTimes = (a = Infinity, b = Infinity): number => (a < b ? -1 : a > b ? 1 : 0)

function staysOf<C extends AccessSaid>(home: readonly C[]): Stay<C>[] {
  const stays: Stay<C>[] = []
  let begin = 0
  for (const [i, said] of home.entries()) {
    if (!said.gone) continue
    stays.push({ records: home.slice(begin, i), left: said, moved: false })
    begin = i + 1
  }
  return begin < home.length ? [...stays, { records: home.slice(begin), left: null, moved: false }] : stays
}

function departureOf<C extends AccessSaid>({ records, moved }: Stay<C>, left: C, before: readonly Departure[]): Departure {
  const { home, observed, decided } = left
  const isDecidedOnly = (isIdentityHome(home) || !moved) && records.some((said) => said.observed >= observed)
  return { observed, at: isDecidedOnly ? Math.max(observed, decided) : Math.max(observed, lastOf(before, observed)) }
}

/** When the last of those that rest on observations up to `observed` was. */
const lastOf = (departures: readonly Departure[], observed: number): number =>
  departures.reduce((last, departure) => (departure.observed <= observed ? Math.max(last, departure.at) : last), -Infinity)

/** Whose account it was and in which state: as the newest record said that was true by then, else as the first one did. */
function subjectAt<C extends AccessSaid>(home: readonly C[], at: number): C | null {
  const present = home.filter(({ gone }) => !gone)
  return present.findLast(({ valid, observed }) => (valid ?? observed) <= at) ?? present[0] ?? null
}

function spansOfStay<C extends AccessSaid>(stay: Stay<C>, before: readonly Departure[]): Span<C>[] {
  return holdingsOf(stay).flatMap(({ mentions, lost }) => {
    const last = mentions.at(-1)!.grant
    const seen = Math.min(lost?.observed ?? Infinity, ...mentions.map(({ said }) => said.observed))
    const begins = Math.max(last.valid ?? last.since, lastOf(before, seen))
    const ends = lost === null ? Infinity : lost.gone ? departureOf(stay, lost, before).at : lost.observed
    return mentions.map(({ said, grant }, i) => ({
      said,
      grant,
      from: i === 0 ? begins : Math.max(begins, said.decided),
      until: Math.min(mentions[i + 1]?.said.decided ?? Infinity, ends),
    }))
  })
}

function holdingsOf<C extends AccessSaid>({ records, left }: Stay<C>): Holding<C>[] {
  const ended: Holding<C>[] = []
  const open = new Map<string, Holding<C>>()
  for (const said of records) {
    const shown = new Map<string, C['set'][number]>()
    const named = new Set(said.removed)
    for (const grant of said.set) {
      const name = JSON.stringify([grant.entitlement, grant.native])
      if (!shown.has(name)) shown.set(name, grant)
      named.add(grant.entitlement)
    }
    for (const [name, holding] of open) {
      if (shown.has(name) || !named.has(holding.mentions[0]!.grant.entitlement)) continue
      ended.push({ ...holding, lost: said })
      open.delete(name)
    }
    for (const [name, grant] of shown) {
      const holding = open.get(name)
      if (holding === undefined) open.set(name, { mentions: [{ said, grant }], lost: null })
      else holding.mentions.push({ said, grant })
    }
  }
  return [...ended, ...[...open.values()].map((holding) => ({ ...holding, lost: left }))]
}
