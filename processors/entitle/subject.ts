import type { DesiredEntry, LapsedEntry, Position, Reason, Revocation } from '../../schemas/wire/common.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { KeptEntry, KeptLapse, KeptReason, KeptRevocation } from './compile.ts'
import type { Access } from './stored-access.ts'

/** Why a subject is derived again. */
export interface Change {
  /** when what is no longer claimed was taken away, ms */
  at: number
  /** from when until when keys that came or went are claimed, ms */
  keysAt: number
}

const wireReason = ({ kind, id, by, from, until, source }: KeptReason): Reason => ({ kind, id, by, from, until, source })
/** Entries that share their reasons share them on the wire, too: frozen, since what is frozen is encoded once. */
export function wireEntries(entries: readonly KeptEntry[]): DesiredEntry[] {
  const lists = new Map<readonly KeptReason[], Reason[]>()
  const wire = (reasons: readonly KeptReason[]): Reason[] => {
    let list = lists.get(reasons)
    if (list === undefined) lists.set(reasons, (list = deepFreeze(reasons.map(wireReason))))
    return list
  }
  return entries.map(({ app, entitlement, from, until, reasons }) => ({ app, entitlement, from, until, reasons: wire(reasons) }))
}
export const wireLapses = (lapsed: readonly KeptLapse[]): LapsedEntry[] =>
  lapsed.map((lapse) => ({ ...lapse, reason: wireReason(lapse.reason) }))
export const wireRevocations = (revoked: readonly KeptRevocation[]): Revocation[] | null =>
  revoked.length === 0 ? null : revoked.map(({ app, entitlement, reason }) => ({ app, entitlement, reason: wireReason(reason) }))

/** What is said, without which records say it: a newer record that says the same changes nothing. */
export function contentOfAccess({ entries, lapsed, revoked }: Access): unknown {
  const said = (reason: KeptReason): unknown => ({ ...reason, source: null, ref: null })
  return [
    entries.map((entry) => ({ ...entry, reasons: entry.reasons.map(said) })),
    lapsed.map((lapse) => ({ ...lapse, reason: said(lapse.reason) })),
    // where there are none it is what it was before these were told
    ...(revoked.length === 0 ? [] : [revoked.map((revocation) => ({ ...revocation, reason: said(revocation.reason) }))]),
  ]
}

/** As `contentOfAccess` of both, compared. */
export function sameAccess(a: Access, b: Access): boolean {
  return (
    a.entries.length === b.entries.length &&
    a.lapsed.length === b.lapsed.length &&
    a.revoked.length === b.revoked.length &&
    a.entries.every((entry, i) => sameEntry(entry, b.entries[i]!)) &&
    a.lapsed.every((lapse, i) => sameLapse(lapse, b.lapsed[i]!)) &&
    a.revoked.every((revocation, i) => sameRevocation(revocation, b.revoked[i]!))
  )
}

function sameEntry(a: KeptEntry, b: KeptEntry): boolean {
  return (
    a.entitlement === b.entitlement && a.app === b.app && a.from === b.from && a.until === b.until &&
    a.reasons.length === b.reasons.length && a.reasons.every((reason, i) => sameReason(reason, b.reasons[i]!))
  )
}

const sameLapse = (a: KeptLapse, b: KeptLapse): boolean =>
  a.entitlement === b.entitlement && a.app === b.app && a.at === b.at && a.why === b.why && sameReason(a.reason, b.reason)

const sameRevocation = (a: KeptRevocation, b: KeptRevocation): boolean => a.entitlement === b.entitlement && a.app === b.app && sameReason(a.reason, b.reason)

const sameReason = (a: KeptReason, b: KeptReason): boolean =>
  a.id === b.id && a.kind === b.kind && a.by === b.by && a.from === b.from && a.until === b.until

/** Distinct and in log order. */
export function sourcesOf(own: readonly Position[], { entries, revoked }: Access): Position[] {
  const all = new Set([...own, ...revoked.map(({ reason }) => reason.source)])
  for (const { reasons } of entries) for (const { source } of reasons) all.add(source)
  const ordered = [...all].sort(comparePositions)
  return ordered.filter((position, i) => i === 0 || comparePositions(ordered[i - 1]!, position) !== 0)
}

export function comparePositions(a: Position, b: Position): number {
  return compareKeys(a.topic, b.topic) || a.partition - b.partition || a.offset - b.offset || a.index - b.index
}
