import type { DesiredEntry, LapsedEntry, Position, Reason } from '../../schemas/wire/common.ts'
import { canonical } from '../../src/core/canonical.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { KeptEntry, KeptLapse, KeptReason } from './compile.ts'

/** Why a subject is derived again. */
export interface Change {
  /** when what is no longer claimed was taken away, ms */
  at: number
  /** from when until when keys that came or went are claimed, ms */
  keysAt: number
}

/** What the state keeps of any subject's access. */
export interface SubjectRow {
  entries: KeptEntry[]
  lapsed: KeptLapse[]
  /** of what was published last, or null */
  published: string | null
  /** the timer that is set, ms */
  dueMs: number | null
}

export const noAccess: SubjectRow = { entries: [], lapsed: [], published: null, dueMs: null }

const wireReason = ({ kind, id, by, from, until, source }: KeptReason): Reason => ({ kind, id, by, from, until, source })
export const wireEntries = (entries: readonly KeptEntry[]): DesiredEntry[] =>
  entries.map((entry) => ({ ...entry, reasons: entry.reasons.map(wireReason) }))
export const wireLapses = (lapsed: readonly KeptLapse[]): LapsedEntry[] =>
  lapsed.map((lapse) => ({ ...lapse, reason: wireReason(lapse.reason) }))

/** What entries and lapses say, without which records say it: a newer record that says the same changes nothing. */
export function contentOfAccess(entries: readonly KeptEntry[], lapsed: readonly KeptLapse[]): unknown {
  const said = (reason: KeptReason): unknown => ({ ...reason, source: null, ref: null })
  return [
    entries.map((entry) => ({ ...entry, reasons: entry.reasons.map(said) })),
    lapsed.map((lapse) => ({ ...lapse, reason: said(lapse.reason) })),
  ]
}

/** Distinct and in log order, after the positions given first. */
export function sourcesOf(own: readonly Position[], entries: readonly KeptEntry[]): Position[] {
  const all = [...own, ...entries.flatMap(({ reasons }) => reasons.map(({ source }) => source))]
  const distinct = new Map(all.map((position) => [canonical(position), position]))
  return [...distinct.values()].sort(
    (a, b) => compareKeys(a.topic, b.topic) || a.partition - b.partition || a.offset - b.offset || a.index - b.index,
  )
}
