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
  arrived: number
  begins: number
  says: { from: number; grant: AccessGrant }[]
  ends: number
}

/** The definition of 'who held what at T as known at K', one record after another, without any SQL. */
export function heldAt(log: readonly AccessChange[], at: number, knownAt: number): Holding[] {
  const known = log.filter(({ decided }) => decided <= knownAt)
  const result: Holding[] = []
  const homes = new Map(known.map((record) => [[record.home, record.app, record.account].join('|'), record]))
  for (const { home, app, account } of homes.values()) {
    const own = known.filter((record) => record.home === home && record.app === app && record.account === account)
    const natives = new Map(own.flatMap(({ set }) => set.map(({ entitlement, native }) => [`${entitlement}|${native}`, { entitlement, native }])))
    for (const { entitlement, native } of natives.values()) {
      let open: Stay | null = null
      const stays: Stay[] = []
      for (const record of own) {
        const grant = record.set.find((candidate) => candidate.entitlement === entitlement && candidate.native === native)
        const isMentioned = record.gone || record.removed.includes(entitlement) || record.set.some((candidate) => candidate.entitlement === entitlement)
        if (!isMentioned) continue
        if (grant === undefined) {
          if (open !== null) open.ends = record.observed
          open = null
          continue
        }
        // not before the account's other homes lost it: those that had by the time that this one showed it first
        const left = known.filter((other) => other.gone && other.app === app && other.account === account && other.observed <= record.observed)
        if (open === null) stays.push((open = { arrived: Math.max(-Infinity, ...left.map(({ observed }) => observed)), begins: 0, says: [], ends: Infinity }))
        open.begins = Math.max(grant.valid ?? grant.since, open.arrived)
        open.says.push({ from: record.decided, grant })
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
