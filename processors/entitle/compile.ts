import type { DesiredEntry, LapsedEntry, Reason } from '../../schemas/wire/common.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { Tenure } from './tenure.ts'

/** A reason as the state keeps it: `ref` names the intent object (and role) that gives it, stable over the object's versions. */
export type KeptReason = Reason & { ref: string }
export type KeptEntry = Omit<DesiredEntry, 'reasons'> & { reasons: KeptReason[] }
export type KeptLapse = Omit<LapsedEntry, 'reason'> & { reason: KeptReason }

/** One reason to hold one entitlement, in force now, earlier or later. */
export interface Claim {
  app: string
  entitlement: string
  reason: KeptReason
}

/** A `revoke` decision: cancels the reasons for the entitlement that began before `at`, from `at` on. */
export interface Revocation {
  app: string
  entitlement: string
  at: number
}

export interface Compilation {
  tenure: Tenure
  claims: readonly Claim[]
  revocations: readonly Revocation[]
  now: number
  /** when what is no longer claimed was taken away, ms */
  changedAt: number
  /** what the last compilation gave */
  entries: readonly KeptEntry[]
  lapsed: readonly KeptLapse[]
}

export interface Compiled {
  entries: KeptEntry[]
  lapsed: KeptLapse[]
  /** the next time at which the result changes by itself while the tenure stays as it is, or null */
  nextDueMs: number | null
}

type Why = LapsedEntry['why']
/** Of ends at the same time the first of these is told. */
const whyOrder: readonly Why[] = ['ended', 'denied', 'expired', 'withdrawn']

interface End {
  at: number
  why: Why
}

/** All there is about one entitlement. */
interface Gathered {
  app: string
  entitlement: string
  live: { begin: number; reason: KeptReason }[]
  /** what in-force intent itself says to have ended */
  ended: KeptLapse[] | null
  /** what the last compilation gave */
  entry: KeptEntry | null
  lapse: KeptLapse | null
}

interface Times {
  begin: number | null
  end: End | null
}

const entitlementKey = (app: string, entitlement: string): string => `${app}/${entitlement}`

/**
 * What somebody should have, from all that governance says about them. Pure: what intent in force tells (begun, expired, denied,
 * ended) does not depend on what was known before; only what vanished without a trace is read off the last result.
 */
export function compile(input: Compilation): Compiled {
  const { tenure, now } = input
  let nextDueMs: number | null = null
  const due = (at: number | null): void => {
    if (at !== null && at > now && (nextDueMs === null || at < nextDueMs)) nextDueMs = at
  }
  const revocations = revocationsByEntitlement(input.revocations)
  const gathered = new Map<string, Map<string, Gathered>>()
  let lastApp: string | null = null
  let inApp = new Map<string, Gathered>()
  const at = (app: string, entitlement: string): Gathered => {
    if (app !== lastApp) {
      lastApp = app
      inApp = gathered.get(app) ?? new Map<string, Gathered>()
      gathered.set(app, inApp)
    }
    let found = inApp.get(entitlement)
    if (found === undefined) inApp.set(entitlement, (found = { app, entitlement, live: [], ended: null, entry: null, lapse: null }))
    return found
  }

  const unrevoked = new Map<KeptReason, Times>()
  /** A role's grants share their reason. */
  const timesOf = (app: string, entitlement: string, reason: KeptReason): Times => {
    const revokedAt = revocations.size === 0 ? undefined : revocations.get(entitlementKey(app, entitlement))
    if (revokedAt !== undefined) return { begin: beginning(reason.from, tenure), end: ending(reason, tenure, revokedAt) }
    let times = unrevoked.get(reason)
    if (times === undefined) unrevoked.set(reason, (times = { begin: beginning(reason.from, tenure), end: ending(reason, tenure, []) }))
    return times
  }

  for (const { app, entitlement, reason } of input.claims) {
    const { begin, end } = timesOf(app, entitlement, reason)
    if (begin === null) continue
    // what was denied before it began is told as denied once it would have begun; other ends before the beginning leave nothing
    if (end !== null && end.at <= begin && end.why !== 'denied') continue
    if (begin > now) due(begin)
    else if (end === null || end.at > now) {
      due(end?.at ?? null)
      const { live } = at(app, entitlement)
      if (!live.some((other) => other.reason.ref === reason.ref)) live.push({ begin, reason })
    } else (at(app, entitlement).ended ??= []).push({ app, entitlement, at: end.at, why: end.why, reason })
  }

  for (const entry of input.entries) at(entry.app, entry.entitlement).entry = entry
  for (const lapse of input.lapsed) at(lapse.app, lapse.entitlement).lapse = lapse

  const entries: KeptEntry[] = []
  const lapsed: KeptLapse[] = []
  for (const app of [...gathered.keys()].sort(compareKeys)) {
    for (const found of [...gathered.get(app)!.values()].sort((a, b) => compareKeys(a.entitlement, b.entitlement))) {
      if (found.live.length > 0) entries.push(entryOf(found))
      else {
        const lapse = lapseOf(found, input)
        if (lapse !== undefined) lapsed.push(lapse)
      }
    }
  }
  return { entries, lapsed, nextDueMs }
}

function revocationsByEntitlement(revocations: readonly Revocation[]): Map<string, number[]> {
  const times = new Map<string, number[]>()
  for (const { app, entitlement, at } of revocations) {
    const key = entitlementKey(app, entitlement)
    times.set(key, [...(times.get(key) ?? []), at])
  }
  return times
}

/** null: never, as far as is known (planned, and nobody says for when). */
function beginning(from: number, tenure: Tenure): number | null {
  if (tenure.start !== null) return Math.max(from, tenure.start)
  return tenure.status === 'planned' ? null : from
}

/** A revocation is compared with the reason's own `from`: what was asked for before it is cancelled even if it begins later. */
function ending(reason: KeptReason, tenure: Tenure, revokedAt: readonly number[]): End | null {
  const ends: End[] = revokedAt.filter((at) => at > reason.from).map((at) => ({ at, why: 'denied' }))
  if (reason.until !== null) ends.push({ at: reason.until, why: 'expired' })
  if (tenure.end !== null) ends.push({ at: tenure.end, why: 'ended' })
  return ends.sort((a, b) => a.at - b.at || whyOrder.indexOf(a.why) - whyOrder.indexOf(b.why))[0] ?? null
}

function entryOf({ app, entitlement, live }: Gathered): KeptEntry {
  const only = live.length === 1 ? live[0] : undefined
  if (only !== undefined) return { app, entitlement, from: only.begin, until: only.reason.until, reasons: [only.reason] }
  const untils = live.map(({ reason }) => reason.until)
  return {
    app,
    entitlement,
    from: Math.min(...live.map(({ begin }) => begin)),
    until: untils.includes(null) ? null : Math.max(...untils.map((until) => until ?? 0)),
    reasons: live.map(({ reason }) => reason).sort(compareReasons),
  }
}

function compareReasons(a: KeptReason, b: KeptReason): number {
  return compareKeys(a.kind, b.kind) || compareKeys(a.id, b.id) || a.from - b.from || compareKeys(a.ref, b.ref)
}

/** The end that came last tells; a lapse known from before stays unless its own intent object now says otherwise. */
function lapseOf(found: Gathered, input: Compilation): KeptLapse | undefined {
  const { entry, lapse } = found
  const candidates = [...(found.ended ?? [])]
  const told = new Set(candidates.map(({ reason }) => reason.ref))
  if (lapse !== null && !told.has(lapse.reason.ref)) candidates.push(lapse)
  const vanished = entry?.reasons.find(({ ref }) => !told.has(ref))
  if (vanished !== undefined) {
    const end: End = input.tenure.status === 'ended'
      ? { at: input.tenure.end ?? input.changedAt, why: 'ended' }
      : { at: input.changedAt, why: 'withdrawn' }
    candidates.push({ app: found.app, entitlement: found.entitlement, ...end, reason: vanished })
  }
  return candidates.sort(laterFirst)[0]
}

function laterFirst(a: KeptLapse, b: KeptLapse): number {
  return b.at - a.at || whyOrder.indexOf(a.why) - whyOrder.indexOf(b.why) || compareReasons(a.reason, b.reason)
}
