import type { IdentityStatus, Position } from '../../schemas/wire/common.ts'
import type { Identity } from '../../schemas/wire/intent.ts'
import { compareKeys } from '../../src/core/order.ts'

/** From when until when somebody is in post. `end` is set for the ended: when; for others it is the end that lies ahead. */
export interface Tenure {
  status: IdentityStatus
  start: number | null
  end: number | null
}

/** What one feed says about an identity, and whether it still does. */
export interface IdentityFacet {
  feed: string
  gone: boolean
  record: Identity
  /** attribute -> since when it has its value, ms */
  attributesSince: Record<string, number>
  source: Position
}

/** Accounts that are no person's are judged by their intent alone. */
export const unlimited: Tenure = { status: 'active', start: null, end: null }

/** The record's word, overruled by its dates: whose end has passed has ended, whose start lies ahead is planned. */
export function statusOf(facet: IdentityFacet, now: number): IdentityStatus {
  const { status, start, end } = facet.record
  if (facet.gone || status === 'ended' || (end !== null && end <= now)) return 'ended'
  if (start !== null) return start > now ? 'planned' : 'active'
  return status
}

const statusOrder: readonly IdentityStatus[] = ['active', 'planned', 'ended']

/**
 * The facet that counts where several feeds know the identity: the most alive (one that its feed still has before one that is
 * gone), then the first by the feed's name.
 */
export function facetInForce(facets: readonly IdentityFacet[], now: number): IdentityFacet | undefined {
  const rank = (facet: IdentityFacet): number => statusOrder.indexOf(statusOf(facet, now)) * 2 + (facet.gone ? 1 : 0)
  if (facets.length < 2) return facets[0]
  return [...facets].sort((a, b) => rank(a) - rank(b) || compareKeys(a.feed, b.feed))[0]
}

/** `endedAt`: when an end without a date of its own was learnt, ms. */
export function tenureOf(facet: IdentityFacet, now: number, endedAt: number | null): Tenure {
  const { start, end } = facet.record
  const status = statusOf(facet, now)
  if (status !== 'ended') return { status, start, end }
  return { status, start, end: end !== null && end <= now ? end : endedAt }
}

/** The next time at which any of the facets changes its status by itself, or null. */
export function nextStatusChange(facets: readonly IdentityFacet[], now: number): number | null {
  let next: number | null = null
  for (const { gone, record } of facets) {
    if (gone || record.status === 'ended') continue
    for (const at of [record.start, record.end]) {
      if (at !== null && at > now && (next === null || at < next)) next = at
    }
  }
  return next
}
