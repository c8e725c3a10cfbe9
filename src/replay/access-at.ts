import type { AccessChange, AccessGrant } from '../../schemas/wire/results.ts'
import type { Position } from '../../schemas/wire/common.ts'
import { compareKeys } from '../core/order.ts'

/** One grant that an account holds, with the change that says so. Times in ms. */
export interface HeldGrant extends AccessGrant {
  home: string
  identity: string | null
  app: string
  account: string
  kind: AccessChange['kind']
  status: AccessChange['status']
  observed: number
  decided: number
  cause: Position
}

interface Mention {
  grant: AccessGrant
  change: AccessChange
}

/** One stretch of time in which a home's account held a grant: every change that told of it, and when it was seen lost. */
interface Holding {
  mentions: Mention[]
  lost: number | null
}

/**
 * Who held what at `at`, by these changes (all that were known, in the order of their homes' partitions). A grant is held from when its
 * source says it began, else from when it was first observed, to the observation that no longer showed it; not before the account's
 * previous home lost it. A verdict is in force from its decision to the next one; the first one of a holding speaks for the time
 * before it too. Ordered by app, account, home, entitlement, native.
 */
export function accessAt(changes: readonly AccessChange[], at: number): HeldGrant[] {
  const held: HeldGrant[] = []
  for (const account of grouped(changes, ({ app, account: id }) => JSON.stringify([app, id]))) {
    const leaves = account.filter(({ gone }) => gone).map(({ observed }) => observed)
    for (const home of grouped(account, (change) => change.home)) held.push(...heldAtHome(home, leaves, at))
  }
  return held.sort(
    (a, b) =>
      compareKeys(a.app, b.app) || compareKeys(a.account, b.account) || compareKeys(a.home, b.home) ||
      compareKeys(a.entitlement, b.entitlement) || compareKeys(a.native, b.native),
  )
}

function heldAtHome(changes: readonly AccessChange[], leaves: readonly number[], at: number): HeldGrant[] {
  const subject = subjectAt(changes, at)
  if (subject === null) return []
  const { home, app, account, identity, kind, status } = subject
  return holdingsOf(changes).flatMap((holding) => {
    const mention = inForce(holding, leaves, at)
    if (mention === null) return []
    const { observed, decided, cause } = mention.change
    return [{ home, identity, app, account, kind, status, ...mention.grant, observed, decided, cause }]
  })
}

/** Whose account it was and in which state: as the newest change said that was true by then, else as the first one did. */
function subjectAt(changes: readonly AccessChange[], at: number): AccessChange | null {
  const known = changes.filter(({ gone }) => !gone)
  return known.findLast(({ valid, observed }) => (valid ?? observed) <= at) ?? known[0] ?? null
}

function holdingsOf(changes: readonly AccessChange[]): Holding[] {
  const ended: Holding[] = []
  const open = new Map<string, Holding>()
  for (const change of changes) {
    const { set, removed, gone, observed } = change
    const shown = new Map(set.map((grant) => [nameOf(grant), grant]).reverse() as [string, AccessGrant][])
    const named = new Set([...set.map(({ entitlement }) => entitlement), ...removed])
    for (const [name, holding] of open) {
      const [{ grant }] = holding.mentions as [Mention]
      if (shown.has(name) || !(gone || named.has(grant.entitlement))) continue
      ended.push({ ...holding, lost: observed })
      open.delete(name)
    }
    for (const [name, grant] of shown) {
      const holding = open.get(name)
      if (holding === undefined) open.set(name, { mentions: [{ grant, change }], lost: null })
      else holding.mentions.push({ grant, change })
    }
  }
  return [...ended, ...open.values()]
}

function inForce({ mentions, lost }: Holding, leaves: readonly number[], at: number): Mention | null {
  if (lost !== null && at >= lost) return null
  const last = mentions.at(-1)!.grant
  const arrived = Math.min(...mentions.map(({ change }) => Math.max(-Infinity, ...leaves.filter((left) => left <= change.observed))))
  const begins = Math.max(last.valid ?? last.since, arrived)
  const found = mentions.findIndex(({ change }, i) => {
    const next = mentions[i + 1]
    return (i === 0 ? begins : Math.max(begins, change.decided)) <= at && (next === undefined || at < next.change.decided)
  })
  return mentions[found] ?? null
}

const nameOf = ({ entitlement, native }: AccessGrant): string => JSON.stringify([entitlement, native])

/** In the order in which each key first appears; the order within a group stays. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
