import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claim, Compilation, KeptReason, KeptRevocation } from '../../../processors/entitle/compile.ts'
import { compile } from '../../../processors/entitle/compile.ts'
import type { Tenure } from '../../../processors/entitle/tenure.ts'
import { unlimited } from '../../../processors/entitle/tenure.ts'
import { compareKeys } from '../../../src/core/order.ts'

const source = { topic: 'intent', partition: 0, offset: 0, index: 0 }
const claim = (ref: string, from: number, until: number | null, entitlement = 'e'): Claim => ({
  app: 'a', entitlement, reason: { kind: 'request', id: ref, by: null, from, until, source, ref },
})
const revoked = (at: number, entitlement = 'e', app = 'a'): KeptRevocation => ({
  app, entitlement, reason: { kind: 'decision', id: `D${at}`, by: 'eve', from: at, until: null, source, ref: `d${at}` },
})
const given = (change: Partial<Compilation>): Compilation => ({
  tenure: unlimited, claims: [], revocations: [], now: 100, changedAt: 100, entries: [], lapsed: [], ...change,
})

describe('compile', () => {
  it('gives nothing for nothing', () => {
    expect(compile(given({}))).toEqual({ entries: [], lapsed: [], revoked: [], nextDueMs: null })
  })

  it('tells what is next: a beginning, an end, a revocation', () => {
    expect(compile(given({ claims: [claim('x', 300, null), claim('y', 0, 250), claim('z', 0, 90)] })).nextDueMs).toBe(250)
    expect(compile(given({ claims: [claim('x', 300, null)] })).nextDueMs).toBe(300)
    expect(compile(given({ claims: [claim('x', 0, null)], revocations: [revoked(200)] })).nextDueMs).toBe(200)
  })

  it('takes the boundary itself as begun and as ended', () => {
    expect(compile(given({ claims: [claim('x', 100, null)] })).entries).toHaveLength(1)
    expect(compile(given({ claims: [claim('x', 0, 100)] })).lapsed).toMatchObject([{ at: 100, why: 'expired' }])
  })

  it('never gives what ends before it begins, and it leaves no lapse', () => {
    const tenure: Tenure = { status: 'active', start: 80, end: null }
    expect(compile(given({ tenure, claims: [claim('x', 0, 80), claim('y', 70, 60)] }))).toEqual({ entries: [], lapsed: [], revoked: [], nextDueMs: null })
  })

  it('revokes by the reason’s own beginning, not by the later start', () => {
    const tenure: Tenure = { status: 'active', start: 80, end: null }
    const revocations = [revoked(50)]
    expect(compile(given({ tenure, claims: [claim('x', 10, null)], revocations })).entries).toEqual([])
    expect(compile(given({ tenure, claims: [claim('x', 50, null)], revocations })).entries).toMatchObject([{ from: 80 }])
  })

  it('does not revoke what is another entitlement’s', () => {
    expect(compile(given({ claims: [claim('x', 0, null)], revocations: [revoked(50, 'f')] })).entries).toHaveLength(1)
  })

  it('tells the end that came first of one reason, and of several reasons the last', () => {
    const revocations = [revoked(40), revoked(60)]
    expect(compile(given({ claims: [claim('x', 0, 50)], revocations })).lapsed).toMatchObject([{ at: 40, why: 'denied' }])
    expect(compile(given({ claims: [claim('x', 0, 50), claim('y', 45, 90)], revocations })).lapsed).toMatchObject([{ at: 60, why: 'denied', reason: { id: 'y' } }])
  })

  it('tells what vanished as withdrawn, unless what is still there tells of a later end', () => {
    const { entries } = compile(given({ claims: [claim('x', 0, null), claim('y', 0, 90)], now: 50 }))
    expect(compile(given({ entries, claims: [claim('y', 0, 90)], changedAt: 95 })).lapsed).toMatchObject([{ at: 95, why: 'withdrawn', reason: { id: 'x' } }])
    expect(compile(given({ entries, claims: [claim('y', 0, 90)], changedAt: 70 })).lapsed).toMatchObject([{ at: 90, why: 'expired', reason: { id: 'y' } }])
  })

  it('tells a reason that moved into the future as withdrawn', () => {
    const { entries } = compile(given({ claims: [claim('x', 0, null)] }))
    expect(compile(given({ entries, claims: [claim('x', 500, null)] }))).toMatchObject({ entries: [], lapsed: [{ why: 'withdrawn', at: 100 }], nextDueMs: 500 })
  })

  it('corrects a lapse when its own intent object is corrected', () => {
    const { lapsed } = compile(given({ claims: [claim('x', 0, 90)] }))
    expect(compile(given({ lapsed, claims: [claim('x', 0, 70)] })).lapsed).toMatchObject([{ at: 70, why: 'expired' }])
    expect(compile(given({ lapsed, claims: [] })).lapsed).toEqual(lapsed)
  })

  it('ends everything with the tenure', () => {
    const tenure: Tenure = { status: 'ended', start: 0, end: 80 }
    const result = compile(given({ tenure, claims: [claim('x', 0, null, 'e'), claim('y', 0, 70, 'f'), claim('z', 85, null, 'g')] }))
    expect(result.entries).toEqual([])
    expect(result.lapsed).toMatchObject([{ entitlement: 'e', at: 80, why: 'ended' }, { entitlement: 'f', at: 70, why: 'expired' }])
    expect(result.nextDueMs).toBeNull()
  })

  it('tells an end that was reported late for what began after it', () => {
    const { entries } = compile(given({ claims: [claim('x', 60, null)] }))
    const tenure: Tenure = { status: 'ended', start: 0, end: 50 }
    expect(compile(given({ tenure, entries, claims: [claim('x', 60, null)] })).lapsed).toMatchObject([{ at: 50, why: 'ended' }])
  })
})

const time = fc.integer({ min: 0, max: 30 })
const entitlement = fc.constantFrom('e', 'f', 'g')
const claims: fc.Arbitrary<Claim[]> = fc.uniqueArray(
  fc.record({ app: fc.constantFrom('a', 'b'), entitlement, ref: fc.constantFrom('p', 'q', 'r', 's', 't', 'u'), from: time, until: fc.option(time, { nil: null }), kind: fc.constantFrom<KeptReason['kind'][]>('request', 'decision', 'business-role') }),
  { maxLength: 8, selector: ({ ref }) => ref },
).map((all) => all.map(({ app, entitlement: name, ref, from, until, kind }) => ({
  app, entitlement: name, reason: { kind, id: ref, by: null, from, until, source, ref },
})))
const revocations: fc.Arbitrary<KeptRevocation[]> = fc.array(fc.tuple(time, entitlement, fc.constantFrom('a', 'b')).map((of) => revoked(...of)), { maxLength: 3 })
const start = fc.option(time, { nil: null })

describe('compile, for any intent', () => {
  it('does not depend on the order in which intent is given', () => {
    fc.assert(fc.property(claims, revocations, start, time, fc.infiniteStream(fc.nat()), (all, denied, from, now, keys) => {
      const tenure: Tenure = { status: 'active', start: from, end: null }
      const shuffle = <T>(items: readonly T[]): T[] => items.map((item) => [keys.next().value as number, item] as const).sort(([a], [b]) => a - b).map(([, item]) => item)
      const result = compile(given({ tenure, claims: all, revocations: denied, now }))
      expect(compile(given({ tenure, claims: shuffle(all), revocations: shuffle(denied), now }))).toEqual(result)
    }))
  })

  it('gives the same at any time before the next due one, and is its own fixed point', () => {
    fc.assert(fc.property(claims, revocations, start, time, time, (all, denied, from, now, later) => {
      const tenure: Tenure = { status: 'active', start: from, end: null }
      const first = compile(given({ tenure, claims: all, revocations: denied, now }))
      const at = Math.max(now, first.nextDueMs === null ? later : Math.min(later, first.nextDueMs - 1))
      expect(compile(given({ tenure, claims: all, revocations: denied, now: at, entries: first.entries, lapsed: first.lapsed }))).toEqual(first)
    }))
  })

  it('reaches the same by every tick in between as by one leap', () => {
    fc.assert(fc.property(claims, revocations, start, fc.option(time, { nil: null }), (all, denied, from, end) => {
      let entries: ReturnType<typeof compile>['entries'] = []
      let lapsed: ReturnType<typeof compile>['lapsed'] = []
      const at = (now: number): Compilation => {
        const ended = end !== null && end <= now
        const tenure: Tenure = { status: ended ? 'ended' : from !== null && from > now ? 'planned' : 'active', start: from, end }
        return given({ tenure, claims: all, revocations: denied, now, changedAt: now })
      }
      for (let now = 0; now <= 31; now++) ({ entries, lapsed } = compile({ ...at(now), entries, lapsed }))
      expect({ entries, lapsed }).toMatchObject(leap(at(31)))
    }))
  })

  it('is ordered, holds an entitlement once, live or lapsed, and tells only begun reasons that go on', () => {
    fc.assert(fc.property(claims, revocations, start, time, (all, denied, from, now) => {
      const { entries, lapsed } = compile(given({ tenure: { status: 'active', start: from, end: null }, claims: all, revocations: denied, now }))
      const names = [...entries, ...lapsed].map(({ app, entitlement: name }) => `${app}/${name}`)
      expect(new Set(names).size).toBe(names.length)
      const entryNames = entries.map(({ app, entitlement: name }) => `${app}/${name}`)
      expect(entryNames).toEqual([...entryNames].sort(compareKeys))
      for (const entry of entries) {
        expect(entry.from).toBe(Math.min(...entry.reasons.map((reason) => Math.max(reason.from, from ?? 0))))
        expect(entry.from).toBeLessThanOrEqual(now)
        for (const { until } of entry.reasons) expect(until === null || until > now).toBe(true)
        expect(entry.until).toBe(entry.reasons.some(({ until }) => until === null) ? null : Math.max(...entry.reasons.map(({ until }) => until ?? 0)))
      }
      for (const { at } of lapsed) expect(at).toBeLessThanOrEqual(now)
    }))
  })
})

function leap(input: Compilation): Pick<ReturnType<typeof compile>, 'entries' | 'lapsed'> {
  const { entries, lapsed } = compile(input)
  return { entries, lapsed }
}
