import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AccessChange } from '../../schemas/wire/results.ts'
import { accessAt } from '../../src/replay/access-at.ts'
import { heldAt } from '../reports/access-oracle.ts'
import { access, grant } from '../sink/records.ts'

const at = (changes: AccessChange[], time: number): string[] =>
  accessAt(changes, time).map(({ home, account, entitlement, verdict }) => `${account}@${home} ${entitlement} ${verdict}`)

const home = 'identity/ann'
const change = (observed: number, more: Partial<AccessChange> = {}): AccessChange => access({ home, account: 'a', observed, decided: observed, set: [], ...more })
const e = (more: Parameters<typeof grant>[0] = {}): ReturnType<typeof grant> => grant({ entitlement: 'e', native: 'n', since: 100, ...more })

describe('a grant is held', () => {
  it('from when it was first observed, or from when its source says', () => {
    expect(at([change(100, { set: [e()] })], 99)).toEqual([])
    expect(at([change(100, { set: [e()] })], 100)).toEqual(['a@identity/ann e matched'])
    expect(at([change(100, { set: [e({ valid: 40 })] })], 40)).toEqual(['a@identity/ann e matched'])
    expect(at([change(100, { set: [e({ valid: 40 })] })], 39)).toEqual([])
  })

  it('to the observation that no longer showed it, by name or with the whole account', () => {
    for (const loss of [{ removed: ['e'] }, { gone: true }, { set: [e({ native: 'other' })] }]) {
      const changes = [change(100, { set: [e()] }), change(200, loss)]
      expect(accessAt(changes, 199).map(({ native }) => native)).toContain('n')
      expect(accessAt(changes, 200).map(({ native }) => native)).not.toContain('n')
    }
  })

  it('again after it came back, and not in between', () => {
    const changes = [change(100, { set: [e()] }), change(200, { removed: ['e'] }), change(300, { set: [e({ since: 300 })] })]
    expect([150, 250, 350].map((time) => at(changes, time).length)).toEqual([1, 0, 1])
  })

  it('under the verdict in force, the first of which speaks for the time before it', () => {
    const changes = [change(100, { set: [e({ verdict: 'pending' })], decided: 150 }), change(100, { set: [e({ verdict: 'unauthorised' })], decided: 200 })]
    expect([100, 199, 200].map((time) => accessAt(changes, time)[0]?.verdict)).toEqual(['pending', 'pending', 'unauthorised'])
  })

  it('at one home at a time: not before the one before lost it', () => {
    const moved = change(200, { home: 'account/app/a', identity: null, set: [e()] })
    const changes = [change(100, { set: [e()] }), change(200, { gone: true }), moved]
    expect([150, 200].map((time) => at(changes, time))).toEqual([['a@identity/ann e matched'], ['a@account/app/a e matched']])
  })

  it('by the person until it was decided that it is another’s, where nothing new was observed of the account', () => {
    const bob = { home: 'identity/bob', identity: 'bob' }
    const changes = [
      change(100, { set: [e()] }),
      change(100, { gone: true, decided: 900 }),
      change(100, { ...bob, set: [e()], decided: 899 }),
      change(100, { ...bob, gone: true, decided: 1_500 }),
      change(100, { set: [e()], decided: 1_501 }),
    ]
    expect([100, 899, 900, 1_499, 1_500].map((time) => at(changes, time))).toEqual([
      ['a@identity/ann e matched'], ['a@identity/ann e matched'], ['a@identity/bob e matched'], ['a@identity/bob e matched'], ['a@identity/ann e matched'],
    ])
  })

  it('by the person from the first observation on, where only their key was learnt later', () => {
    const nobodys = { home: 'account/app/a', identity: null }
    const changes = [change(100, { ...nobodys, set: [e()] }), change(100, { ...nobodys, gone: true, decided: 900 }), change(100, { set: [e()], decided: 900 })]
    expect([100, 899, 900].map((time) => at(changes, time))).toEqual([['a@identity/ann e matched'], ['a@identity/ann e matched'], ['a@identity/ann e matched']])
  })

  it('by an account of nobody until its application was retired, though nothing new was observed of it', () => {
    const nobodys = { home: 'account/app/a', identity: null }
    const changes = [change(100, { ...nobodys, set: [e()] }), change(100, { ...nobodys, gone: true, decided: 900 })]
    expect([99, 100, 899, 900].map((time) => at(changes, time).length)).toEqual([0, 1, 1, 0])
  })

  it('by nobody, and then by another, only after the person', () => {
    const nobodys = { home: 'account/app/a', identity: null }
    const bob = { home: 'identity/bob', identity: 'bob' }
    const changes = [
      change(100, { set: [e()] }), change(100, { gone: true, decided: 900 }),
      change(100, { ...nobodys, set: [e()], decided: 900 }), change(100, { ...nobodys, gone: true, decided: 1_500 }),
      change(100, { ...bob, set: [e()], decided: 1_500 }),
    ]
    expect([100, 899, 900].map((time) => at(changes, time))).toEqual([['a@identity/ann e matched'], ['a@identity/ann e matched'], ['a@identity/bob e matched']])
  })

  it('by an account as it was described then', () => {
    const changes = [change(100, { set: [e()] }), change(200, { status: 'disabled' })]
    expect([199, 200].map((time) => accessAt(changes, time)[0]?.status)).toEqual(['active', 'disabled'])
  })
})

const grants = fc.uniqueArray(
  fc.record({ entitlement: fc.constantFrom('e', 'f'), native: fc.constantFrom('n', 'o'), verdict: fc.constantFrom('matched', 'pending', 'unauthorised'), since: fc.integer({ min: 0, max: 40 }), valid: fc.option(fc.integer({ min: 0, max: 40 })) }),
  { maxLength: 3, selector: ({ entitlement, native }) => `${entitlement} ${native}` },
)
const one = fc.record({
  home: fc.constantFrom('identity/h1', 'account/app/h2', 'identity/h3'), account: fc.constantFrom('a', 'b'), gone: fc.boolean(), set: grants, removed: fc.subarray(['e', 'f']),
  status: fc.constantFrom('active', 'disabled'), valid: fc.option(fc.integer({ min: 0, max: 40 })), later: fc.integer({ min: 0, max: 6 }), wait: fc.integer({ min: 0, max: 5 }),
})

it('says the same as the plain reading of the definition, whatever happened', () => {
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), fc.integer({ min: -1, max: 60 }), (steps, time) => {
      let now = 0
      const changes = steps.map(({ later, wait, set, removed, gone, ...more }) => {
        const observed = (now += later)
        const shown = gone ? [] : set.map((each) => grant(each))
        return access({ ...more, gone, set: shown, removed: gone ? [] : removed.filter((name) => !shown.some(({ entitlement }) => entitlement === name)), observed, decided: (now += wait) })
      })
      const mine = accessAt(changes, time).map(({ home: of, app, account, status, entitlement, native, verdict }) => ({ home: of, app, account, status, entitlement, native, verdict }))
      const plain = heldAt(changes, time, Infinity)
      expect(mine).toHaveLength(plain.length)
      expect(mine).toEqual(expect.arrayContaining(plain))
    }),
    { numRuns: 2_000 },
  )
})
