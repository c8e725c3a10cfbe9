import { readReason, whys, writeReason } from '../shared/packed-access.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'
import type { KeptEntry, KeptLapse, KeptReason, KeptRevocation } from './compile.ts'

/** Of one subject, each in order. */
export interface Access {
  readonly entries: readonly KeptEntry[]
  readonly lapsed: readonly KeptLapse[]
  /** in force */
  readonly revoked: readonly KeptRevocation[]
}

/** As it lies in the state: the reasons first, each once, since a role gives the same one for all that it grants. */
export function packAccess({ entries, lapsed, revoked }: Access): Packed {
  const places = new Map<KeptReason, number>()
  for (const { reasons } of entries) for (const reason of reasons) if (!places.has(reason)) places.set(reason, places.size)
  for (const { reason } of [...lapsed, ...revoked]) if (!places.has(reason)) places.set(reason, places.size)
  const to = new PackWriter()
  to.count(places.size)
  for (const reason of places.keys()) writeReason(to, reason)
  to.count(entries.length)
  for (const { app, entitlement, from, until, reasons } of entries) {
    to.text(app)
    to.once(entitlement)
    to.time(from)
    to.time(until)
    to.count(reasons.length)
    for (const reason of reasons) to.count(places.get(reason)!)
  }
  to.count(lapsed.length)
  for (const { app, entitlement, at, why, reason } of lapsed) {
    to.text(app)
    to.once(entitlement)
    to.time(at)
    to.count(whys.indexOf(why))
    to.count(places.get(reason)!)
  }
  if (revoked.length === 0) return to.end()
  to.count(revoked.length)
  for (const { app, entitlement, reason } of revoked) {
    to.text(app)
    to.once(entitlement)
    to.count(places.get(reason)!)
  }
  return to.end()
}

export function unpackAccess(packed: Packed): Access {
  const from = new PackReader(packed)
  const reasons = from.list(() => readReason<KeptReason>(from))
  const alone = reasons.map((reason) => [reason])
  const list = (): KeptReason[] => {
    const count = from.count()
    return count === 1 ? alone[from.count()]! : Array.from({ length: count }, () => reasons[from.count()]!)
  }
  return {
    entries: from.list(() => ({
      app: from.word(), entitlement: from.once(), from: from.moment(), until: from.time(), reasons: list(),
    })),
    lapsed: from.list(() => ({
      app: from.word(), entitlement: from.once(), at: from.moment(), why: whys[from.count()]!, reason: reasons[from.count()]!,
    })),
    revoked: from.isAtEnd ? [] : from.list(() => ({ app: from.word(), entitlement: from.once(), reason: reasons[from.count()]! })),
  }
}
