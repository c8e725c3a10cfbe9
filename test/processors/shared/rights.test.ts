import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile, type Claim, type Compiled, type KeptReason, type KeptRevocation } from '../../../processors/entitle/compile.ts'
import { unlimited, type Tenure } from '../../../processors/entitle/tenure.ts'
import { rightsOf, type Said, type SaidOfPerson } from '../../../processors/shared/rights.ts'
import type { DesiredEntry } from '../../../schemas/wire/common.ts'

const now = 20
const source = { topic: 'intent', partition: 0, offset: 0, index: 0 }
const time = fc.integer({ min: 0, max: 30 })
const entitlement = fc.constantFrom('e', 'f')

const claims = (who: string): fc.Arbitrary<Claim[]> => fc.uniqueArray(
  fc.record({ entitlement, n: fc.nat(5), from: time, until: fc.option(time, { nil: null }) }), { maxLength: 5, selector: ({ n }) => n },
).map((all) => all.map(({ entitlement: name, n, from, until }) => {
  const reason: KeptReason = { kind: 'request', id: `${who}${n}`, by: null, from, until, source, ref: `${who}${n}` }
  return { app: 'crm', entitlement: name, reason }
}))

const revocations = (who: string): fc.Arbitrary<KeptRevocation[]> => fc.array(fc.tuple(entitlement, time), { maxLength: 3 }).map((all) => all.map(([name, at], n) => {
  const id = `${who}-d${n}`
  return { app: 'crm', entitlement: name, reason: { kind: 'decision', id, by: 'eve', from: at, until: null, source, ref: id } }
}))

const tenures: fc.Arbitrary<Tenure> = fc.record({ start: fc.option(time, { nil: null }), end: fc.option(time, { nil: null }) }).map(({ start, end }) => {
  if (end !== null && end <= now) return { status: 'ended', start, end }
  return start !== null && start > now ? { status: 'planned', start, end } : { status: 'active', start, end }
})

const compiled = (tenure: Tenure, all: readonly Claim[], revoked: readonly KeptRevocation[]): Compiled =>
  compile({ tenure, claims: all, revocations: revoked, now, changedAt: now, entries: [], lapsed: [] })

const said = ({ entries, lapsed, revoked }: Compiled): Said => ({ entries, lapsed, revoked })
const ofPerson = (tenure: Tenure, all: Compiled): SaidOfPerson => ({ ...said(all), status: tenure.status, start: tenure.start, endedAt: tenure.status === 'ended' ? tenure.end : null })

const spelt = (entries: readonly DesiredEntry[]): string[] =>
  entries.map(({ entitlement: name, from, until, reasons }) => `${name} ${from}-${until ?? ''} ${reasons.map(({ id }) => id).sort().join()}`).sort()

describe('the rights of one account of a person', () => {
  it('are what would be compiled if all that is said of both were said of one', () => {
    fc.assert(fc.property(tenures, claims('p'), revocations('p'), claims('a'), revocations('a'), (tenure, mine, ended, own, ownEnded) => {
      const rights = rightsOf(ofPerson(tenure, compiled(tenure, mine, ended)), said(compiled(unlimited, own, ownEnded)))
      expect(spelt(rights.entries)).toEqual(spelt(compiled(tenure, [...mine, ...own], [...ended, ...ownEnded]).entries))
      expect(spelt(rights.claimed)).toEqual(spelt(compiled(tenure, own, [...ended, ...ownEnded]).entries))
    }), { numRuns: 2_000 })
  })

  it('lapse once each, and never what is there', () => {
    fc.assert(fc.property(tenures, claims('p'), revocations('p'), claims('a'), revocations('a'), (tenure, mine, ended, own, ownEnded) => {
      const { entries, lapsed } = rightsOf(ofPerson(tenure, compiled(tenure, mine, ended)), said(compiled(unlimited, own, ownEnded)))
      const names = [...entries, ...lapsed].map((one) => one.entitlement)
      expect(new Set(names).size).toBe(names.length)
    }))
  })

  it('name the decision that took something away, and when', () => {
    const [request, other] = ['r', 's'].map((id): Claim => ({ app: 'crm', entitlement: 'e', reason: { kind: 'request', id, by: null, from: 3, until: null, source, ref: id } })) as [Claim, Claim]
    const decision: KeptRevocation = { app: 'crm', entitlement: 'e', reason: { kind: 'decision', id: 'd', by: 'eve', from: 9, until: null, source, ref: 'd' } }
    const tenure: Tenure = { status: 'active', start: null, end: null }
    const denied = [{ entitlement: 'e', at: 9, why: 'denied', reason: { id: 'd', by: 'eve' } }]
    const against = rightsOf(ofPerson(tenure, compiled(tenure, [request], [])), said(compiled(unlimited, [], [decision])))
    expect(against).toMatchObject({ entries: [], lapsed: denied, claimed: [] })
    expect(rightsOf(ofPerson(tenure, compiled(tenure, [], [decision])), said(compiled(unlimited, [other], [])))).toMatchObject({ entries: [], lapsed: denied })
  })

  it('end with the person, who had them until then', () => {
    const request: Claim = { app: 'crm', entitlement: 'e', reason: { kind: 'request', id: 'r', by: null, from: 3, until: null, source, ref: 'r' } }
    const tenure: Tenure = { status: 'ended', start: 1, end: 12 }
    const rights = rightsOf(ofPerson(tenure, compiled(tenure, [], [])), said(compiled(unlimited, [request], [])))
    expect(rights).toMatchObject({ entries: [], lapsed: [{ entitlement: 'e', at: 12, why: 'ended', reason: { id: 'r' } }] })
  })
  it('lapsed with the person at the latest, whatever became of them since', () => {
    const request = (from: number, until: number | null): Claim => ({ app: 'crm', entitlement: 'e', reason: { kind: 'request', id: 'r', by: null, from, until, source, ref: 'r' } })
    const decision: KeptRevocation = { app: 'crm', entitlement: 'e', reason: { kind: 'decision', id: 'd', by: 'eve', from: 15, until: null, source, ref: 'd' } }
    const tenure: Tenure = { status: 'ended', start: 1, end: 12 }
    const lapsedOf = (own: Claim, ended: KeptRevocation[] = [], ownEnded: KeptRevocation[] = []): unknown =>
      rightsOf(ofPerson(tenure, compiled(tenure, [], ended)), said(compiled(unlimited, [own], ownEnded))).lapsed.map(({ at, why }) => [at, why])
    expect(lapsedOf(request(3, 15))).toEqual([[12, 'ended']])
    expect(lapsedOf(request(3, null), [decision])).toEqual([[12, 'ended']])
    expect(lapsedOf(request(3, null), [], [decision])).toEqual([[12, 'ended']])
    expect(lapsedOf(request(3, 9))).toEqual([[9, 'expired']])
    expect(lapsedOf(request(13, 15))).toEqual([])
  })

  it('are found at once among thousands of decisions', () => {
    const many = Array.from({ length: 10_000 }, (_, n) => n)
    const entries = many.map((n): DesiredEntry => ({ app: 'crm', entitlement: `e${n}`, from: 0, until: null, reasons: [{ kind: 'request', id: `r${n}`, by: null, from: 0, until: null, source }] }))
    const revoked = many.map((n) => ({ app: 'crm', entitlement: `e${2 * n}`, reason: { kind: 'decision' as const, id: `d${n}`, by: 'eve', from: 1, until: null, source } }))
    const begun = performance.now()
    const rights = rightsOf({ entries, lapsed: [], revoked: [], status: 'active', start: null, endedAt: null }, { entries: [], lapsed: [], revoked })
    expect(rights.entries).toHaveLength(5_000)
    // with each entry looking at each decision it is tens of seconds
    expect(performance.now() - begun).toBeLessThan(2_000)
  }, 60_000)
})
