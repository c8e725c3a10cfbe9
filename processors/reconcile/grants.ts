import type { AccountFact, FactGrant } from '../../schemas/wire/facts.ts'
import { Interned } from '../shared/interned.ts'
import { readList, writeList } from '../shared/packed-access.ts'
import { PackReader, PackWriter, type Packed } from '../shared/packed.ts'

/** Since when the account holds its grant number `i`, ms. */
export function grantSince({ grants, grantsSince }: Pick<AccountFact, 'grants' | 'grantsSince'>, i: number): number {
  return grantsSince === null ? grants[i]!.since : grantsSince[grantsSince.length === 1 ? 0 : i]!
}

/** Equal grants are the same list while it is kept, in every partition: what is computed of them is computed once. */
export const allGrants = new Interned<FactGrant[]>(packGrants, unpackGrants)

function packGrants(grants: readonly FactGrant[]): Packed {
  const to = new PackWriter()
  to.count(grants.length)
  for (const grant of grants) writeGrant(to, grant)
  return to.end()
}

function unpackGrants(packed: Packed): FactGrant[] {
  const from = new PackReader(packed)
  return from.list(() => readGrant(from))
}

function writeGrant(to: PackWriter, { entitlement, native, mapped, direct, since, valid, paths }: FactGrant): void {
  to.text(entitlement)
  to.text(native)
  to.count((mapped ? 2 : 0) + (direct ? 1 : 0))
  to.time(since)
  to.time(valid)
  to.count(paths.length)
  for (const path of paths) writeList(to, path)
}

function readGrant(from: PackReader): FactGrant {
  const entitlement = from.word()
  const native = from.word()
  const flags = from.count()
  const since = from.moment()
  const valid = from.time()
  return { entitlement, native, mapped: flags >= 2, direct: flags % 2 === 1, since, valid, paths: from.list(() => readList(from)) }
}
