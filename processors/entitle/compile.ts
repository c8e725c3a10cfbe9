import type { DesiredEntry, LapsedEntry, Reason, Revocation } from '../../schemas/wire/common.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { Tenure } from './tenure.ts'

/** A reason as the state keeps it: `ref` names the intent object (and role) that gives it, stable over the object's versions. */
export type KeptReason = Reason & { ref: string }
export type KeptEntry = Omit<DesiredEntry, 'reasons'> & { reasons: KeptReason[] }
export type KeptLapse = Omit<LapsedEntry, 'reason'> & { reason: KeptReason }
export type KeptRevocation = Omit<Revocation, 'reason'> & { reason: KeptReason }

/** One reason to hold one entitlement, in force now, earlier or later. */
export interface Claim {
  app: string
  entitlement: string
  reason: KeptReason
}

export interface Compilation {
  tenure: Tenure
  claims: readonly Claim[]
  /** each cancels the reasons for its entitlement that began before its own `from`, from then on */
  revocations: readonly KeptRevocation[]
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
  /** those in force, in order */
  revoked: readonly KeptRevocation[]
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

interface Times {
  begin: number | null
  end: End | null
}

type Named = Pick<Claim, 'app' | 'entitlement'>

const entitlementKey = (app: string, entitlement: string): string => `${app}/${entitlement}`
const compareNames = (a: Named, b: Named): number =>
  (a.app === b.app ? 0 : compareKeys(a.app, b.app)) || (a.entitlement === b.entitlement ? 0 : compareKeys(a.entitlement, b.entitlement))

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
  const revocations = timesByEntitlement(input.revocations)
  const revoked = input.revocations.length === 0 ? none : input.revocations.filter(({ reason }) => reason.from <= now).sort(compareRevocations)
  for (const { reason } of input.revocations) due(reason.from)
  let unrevoked: { reason: KeptReason; times: Times } | null = null
  /** A role's grants share their reason, and follow one another. */
  const timesOf = (app: string, entitlement: string, reason: KeptReason): Times => {
    const revokedAt = revocations.size === 0 ? undefined : revocations.get(entitlementKey(app, entitlement))
    if (revokedAt !== undefined) return { begin: beginning(reason.from, tenure), end: ending(reason, tenure, revokedAt) }
    if (unrevoked?.reason !== reason) unrevoked = { reason, times: { begin: beginning(reason.from, tenure), end: ending(reason, tenure, []) } }
    return unrevoked.times
  }

  const live: Claim[] = []
  const ended: KeptLapse[] = []
  for (const claim of input.claims) {
    const { app, entitlement, reason } = claim
    const { begin, end } = timesOf(app, entitlement, reason)
    if (begin === null) continue
    // what was denied before it began is told as denied once it would have begun; other ends before the beginning leave nothing
    if (end !== null && end.at <= begin && end.why !== 'denied') continue
    if (begin > now) due(begin)
    else if (end === null || end.at > now) {
      due(end?.at ?? null)
      live.push(claim)
    } else ended.push({ app, entitlement, at: end.at, why: end.why, reason })
  }
  live.sort(compareNames)
  ended.sort(compareNames)

  const entries: KeptEntry[] = []
  const lapsed: KeptLapse[] = []
  const lists = new ReasonLists()
  // the last result is in the same order: of all four what is about the next entitlement is at hand
  for (let i = 0, j = 0, k = 0, l = 0; ; ) {
    const next = firstOf(firstOf(live[i], ended[j]), firstOf(input.entries[k], input.lapsed[l]))
    if (next === undefined) return { entries, lapsed, revoked, nextDueMs }
    const liveEnd = endOf(live, i, next)
    const endedEnd = endOf(ended, j, next)
    const entryEnd = endOf(input.entries, k, next)
    const lapseEnd = endOf(input.lapsed, l, next)
    if (i < liveEnd) entries.push(entryOf(live, i, liveEnd, tenure, lists))
    else {
      const lapse = lapseOf(ended.slice(j, endedEnd), input.entries.slice(k, entryEnd), input.lapsed.slice(l, lapseEnd), input)
      if (lapse !== undefined) lapsed.push(lapse)
    }
    i = liveEnd
    j = endedEnd
    k = entryEnd
    l = lapseEnd
  }
}

function firstOf(a: Named | undefined, b: Named | undefined): Named | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareNames(a, b) <= 0 ? a : b
}

/** Where what is about the entitlement ends; `from` where nothing is. */
function endOf(list: readonly Named[], from: number, { app, entitlement }: Named): number {
  let end = from
  while (list[end]?.entitlement === entitlement && list[end]?.app === app) end++
  return end
}

function timesByEntitlement(revocations: readonly KeptRevocation[]): Map<string, number[]> {
  const times = new Map<string, number[]>()
  for (const { app, entitlement, reason } of revocations) {
    const key = entitlementKey(app, entitlement)
    times.set(key, [...(times.get(key) ?? []), reason.from])
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

/** What is live from `from` to `end` is about one entitlement. */
function entryOf(live: readonly Claim[], from: number, end: number, tenure: Tenure, lists: ReasonLists): KeptEntry {
  const { app, entitlement, reason } = live[from]!
  if (end === from + 1) return { app, entitlement, from: begun(reason, tenure), until: reason.until, reasons: lists.alone(reason) }
  const reasons: KeptReason[] = []
  let begin = Infinity
  let until: number | null = -Infinity
  for (let i = from; i < end; i++) {
    const one = live[i]!.reason
    if (reasons.some(({ ref }) => ref === one.ref)) continue
    let place = reasons.length
    while (place > 0 && compareReasons(reasons[place - 1]!, one) > 0) place--
    reasons.splice(place, 0, one)
    begin = Math.min(begin, begun(one, tenure))
    until = until === null || one.until === null ? null : Math.max(until, one.until)
  }
  return { app, entitlement, from: begin, until, reasons: lists.of(reasons) }
}

/** Of the entries of one compilation: those that have the same reasons share the list of them. */
class ReasonLists {
  readonly #alone = new Map<KeptReason, KeptReason[]>()
  readonly #several: KeptReason[][] = []

  alone(reason: KeptReason): KeptReason[] {
    let list = this.#alone.get(reason)
    if (list === undefined) this.#alone.set(reason, (list = [reason]))
    return list
  }

  of(reasons: KeptReason[]): KeptReason[] {
    const known = this.#several.find((list) => list.length === reasons.length && list.every((reason, i) => reason === reasons[i]))
    if (known === undefined) this.#several.push(reasons)
    return known ?? reasons
  }
}

/** Of a reason that is live. */
const begun = (reason: KeptReason, tenure: Tenure): number => beginning(reason.from, tenure) ?? reason.from

function compareReasons(a: KeptReason, b: KeptReason): number {
  return compareKeys(a.kind, b.kind) || compareKeys(a.id, b.id) || a.from - b.from || compareKeys(a.ref, b.ref)
}

const none: readonly never[] = Object.freeze([])

const compareRevocations = (a: KeptRevocation, b: KeptRevocation): number => compareNames(a, b) || compareReasons(a.reason, b.reason)

/** The end that came last tells; a lapse known from before stays unless its own intent object now says otherwise. */
function lapseOf(ended: readonly KeptLapse[], [entry]: readonly KeptEntry[], [lapse]: readonly KeptLapse[], input: Compilation): KeptLapse | undefined {
  const candidates = [...ended]
  const told = new Set(candidates.map(({ reason }) => reason.ref))
  if (lapse !== undefined && !told.has(lapse.reason.ref)) candidates.push(lapse)
  const vanished = entry?.reasons.find(({ ref }) => !told.has(ref))
  if (entry !== undefined && vanished !== undefined) {
    const end: End = input.tenure.status === 'ended'
      ? { at: input.tenure.end ?? input.changedAt, why: 'ended' }
      : { at: input.changedAt, why: 'withdrawn' }
    candidates.push({ app: entry.app, entitlement: entry.entitlement, ...end, reason: vanished })
  }
  return candidates.sort(laterFirst)[0]
}

function laterFirst(a: KeptLapse, b: KeptLapse): number {
  return b.at - a.at || whyOrder.indexOf(a.why) - whyOrder.indexOf(b.why) || compareReasons(a.reason, b.reason)
}
