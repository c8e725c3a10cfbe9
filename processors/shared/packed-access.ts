import type { DesiredEntry, LapsedEntry, Position, Reason, Revocation } from '../../schemas/wire/common.ts'
import type { PackReader, PackWriter } from './packed.ts'

/** Entries and lapses in a packed row. A reason's `ref` is kept where its owner has one. */
type Kept<R extends Reason> = R | (R & { ref: string })

const kinds: readonly Reason['kind'][] = ['business-role', 'request', 'decision']
export const whys: readonly LapsedEntry['why'][] = ['expired', 'withdrawn', 'denied', 'ended']

export function writePosition(to: PackWriter, { topic, partition, offset, index }: Position): void {
  to.text(topic)
  to.whole(partition)
  to.whole(offset)
  to.whole(index)
}

export function readPosition(from: PackReader): Position {
  return { topic: from.word(), partition: from.whole(), offset: from.whole(), index: from.whole() }
}

export function writeEntries(to: PackWriter, entries: readonly DesiredEntry[]): void {
  to.count(entries.length)
  for (const { app, entitlement, from, until, reasons } of entries) {
    to.text(app)
    to.text(entitlement)
    to.time(from)
    to.time(until)
    to.count(reasons.length)
    for (const reason of reasons) writeReason(to, reason)
  }
}

export function readEntries(from: PackReader): DesiredEntry[] {
  return from.list(() => ({
    app: from.word(), entitlement: from.word(), from: from.moment(), until: from.time(), reasons: from.list(() => readReason<Reason>(from)),
  }))
}

export function writeLapses(to: PackWriter, lapsed: readonly LapsedEntry[]): void {
  to.count(lapsed.length)
  for (const { app, entitlement, at, why, reason } of lapsed) {
    to.text(app)
    to.text(entitlement)
    to.time(at)
    to.count(whys.indexOf(why))
    writeReason(to, reason)
  }
}

export function readLapses(from: PackReader): LapsedEntry[] {
  return from.list(() => ({
    app: from.word(), entitlement: from.word(), at: from.moment(), why: whys[from.count()]!, reason: readReason<Reason>(from),
  }))
}

export function writeRevocations(to: PackWriter, revoked: readonly Revocation[]): void {
  to.count(revoked.length)
  for (const { app, entitlement, reason } of revoked) {
    to.text(app)
    to.text(entitlement)
    writeReason(to, reason)
  }
}

export const readRevocations = (from: PackReader): Revocation[] =>
  from.list(() => ({ app: from.word(), entitlement: from.word(), reason: readReason<Reason>(from) }))

export function writeReason(to: PackWriter, reason: Kept<Reason>): void {
  to.count(kinds.indexOf(reason.kind))
  to.text(reason.id)
  to.text(reason.by)
  to.time(reason.from)
  to.time(reason.until)
  writePosition(to, reason.source)
  to.text('ref' in reason ? reason.ref : null)
}

export function readReason<R extends Reason>(from: PackReader): R {
  const reason: Reason = {
    kind: kinds[from.count()]!, id: from.word(), by: from.text(), from: from.moment(), until: from.time(), source: readPosition(from),
  }
  const ref = from.text()
  return (ref === null ? reason : { ...reason, ref }) as R
}

export function writeList(to: PackWriter, texts: readonly string[]): void {
  to.count(texts.length)
  for (let i = 0; i < texts.length; i++) to.text(texts[i]!)
}

export const readList = (from: PackReader): string[] => from.list(() => from.word())
