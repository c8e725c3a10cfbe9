import type { AccessChange, AccessGrant } from '../../schemas/wire/results.ts'

export interface Holding {
  home: string
  app: string
  account: string
  status: string
  entitlement: string
  native: string
  verdict: string
}

interface Stay {
  begins: number
  says: { from: number; observed: number; grant: AccessGrant }[]
  ends: number
}

/** The definition of 'who held what at T as known at K', one record after another, without any SQL. */
export function heldAt(log: readonly AccessChange[], at: number, knownAt: number): Holding[] {
  const known = log.filter(({ decided }) => decided <= knownAt)
  const result: Holding[] = []
  const homes = new Map(known.map((record) => [[record.home, record.app, record.account].join('|'), record]))
  for (const { home, app, account } of homes.values()) {
    const own = known.filter((record) => record.home === home && record.app === app && record.account === account)
    const others = known.filter((record) => record.app === app && record.account === account)
    const natives = new Map(own.flatMap(({ set }) => set.map(({ entitlement, native }) => [`${entitlement}|${native}`, { entitlement, native }])))
    for (const { entitlement, native } of natives.values()) {
      let open: Stay | null = null
      const stays: Stay[] = []
      for (const record of own) {
        const grant = record.set.find((candidate) => candidate.entitlement === entitlement && candidate.native === native)
        const isMentioned = record.gone || record.removed.includes(entitlement) || record.set.some((candidate) => candidate.entitlement === entitlement)
        if (!isMentioned) continue
        if (grant === undefined) {
          if (open !== null) open.ends = record.gone ? leftAt(others, record) : record.observed
          open = null
          continue
        }
        if (open === null) stays.push((open = { begins: 0, says: [], ends: Infinity }))
        const first = open.says[0]?.observed ?? record.observed
        open.begins = Math.max(grant.valid ?? grant.since, arrivedAt(others, nextLeaving(own, record), Math.min(first, record.observed)))
        open.says.push({ from: record.decided, observed: record.observed, grant })
      }
      for (const stay of stays) {
        if (at < stay.begins || at >= stay.ends) continue
        const inForce = stay.says.filter(({ from }, i) => i === 0 || from <= at).at(-1)!
        const present = own.filter(({ gone }) => !gone)
        const state = present.filter(({ valid, observed }) => (valid ?? observed) <= at).at(-1) ?? present[0]!
        result.push({ home, app, account, status: state.status, entitlement, native, verdict: inForce.grant.verdict })
      }
    }
  }
  return result
}

/** The record with which the account leaves the home at which `record` shows it. */
const nextLeaving = (own: readonly AccessChange[], record: AccessChange): AccessChange | undefined => own.slice(own.indexOf(record)).find(({ gone }) => gone)

/** Not before the account's other homes lost it: those that it left before it leaves this one, as seen by the time that this one showed it first. */
function arrivedAt(account: readonly AccessChange[], leaving: AccessChange | undefined, seen: number): number {
  const before = account.filter((other) => other.gone && other !== leaving && other.observed <= seen && (leaving === undefined || isBefore(account, other, leaving)))
  return Math.max(-Infinity, ...before.map((other) => leftAt(account, other)))
}

/** A person loses what nothing new was seen of when that is decided; all else is lost when it was seen. */
function leftAt(account: readonly AccessChange[], leaving: AccessChange): number {
  const own = account.filter(({ home }) => home === leaving.home)
  const past = own.slice(0, own.indexOf(leaving))
  const said = past.slice(past.findLastIndex(({ gone }) => gone) + 1)
  const later = account.filter((other) => other.home !== leaving.home && arrivals(account).has(other) && other.observed === leaving.observed && isAfter(account, leaving, other))
  if ((leaving.home.startsWith('identity/') || later.length === 0) && said.some(({ observed }) => observed >= leaving.observed)) return Math.max(leaving.observed, leaving.decided)
  return Math.max(leaving.observed, arrivedAt(account, leaving, leaving.observed))
}

/** The records with which the account comes to a home. */
function arrivals(account: readonly AccessChange[]): Set<AccessChange> {
  const homes = [...new Set(account.map(({ home }) => home))].map((home) => account.filter((record) => record.home === home))
  return new Set(homes.flatMap((own) => own.filter((record, i) => !record.gone && (i === 0 || own[i - 1]!.gone))))
}

/** Whether the stay that `arrival` begins ends later than with `leaving`, or not at all. */
function isAfter(account: readonly AccessChange[], leaving: AccessChange, arrival: AccessChange): boolean {
  const end = nextLeaving(account.filter(({ home }) => home === arrival.home), arrival)
  return end === undefined || isBefore(account, leaving, end)
}

function isBefore(account: readonly AccessChange[], one: AccessChange, other: AccessChange): boolean {
  return one.observed - other.observed < 0 || (one.observed === other.observed && (one.decided < other.decided || (one.decided === other.decided && isFirst(account, one, other))))
}

/** Homes in the order in which they come first, of each its records in theirs. */
function isFirst(account: readonly AccessChange[], one: AccessChange, other: AccessChange): boolean {
  const homes = [...new Set(account.map(({ home }) => home))]
  return one.home === other.home ? account.indexOf(one) < account.indexOf(other) : homes.indexOf(one.home) < homes.indexOf(other.home)
}
