import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Frame, type PlacedPiece, assembleAccount, assembleDefinition } from '../../src/connect/assemble.ts'
import type { Mapped, ObservedClass } from '../../src/ports/connector.ts'

const everything: ObservedClass[] = ['definitions', 'accounts', 'memberships', 'grants', 'credentials']
const frame: Frame = { app: 'app', run: 1, has: new Set(everything), whole: new Set(everything), asOf: Infinity }
const placed = (piece: PlacedPiece['piece'], stamp = 5, native = 'ann'): PlacedPiece => ({ native, stamp, place: `at ${stamp}`, piece })
const account: Mapped = {
  piece: 'account', id: 'ann', valid: 7,
  attributes: { kind: 'human', status: 'active', display: 'Ann', created: null, lastUsed: null, owner: null, values: {} },
}
const membership = (id: string, valid: number | null = null): Mapped => ({ piece: 'membership', account: 'ann', ref: { kind: 'role', id }, valid })
const credential = (id: string): Mapped => ({ piece: 'credential', account: 'ann', credential: { id, kind: 'key', created: null, lastUsed: null, expires: null } })

describe('an account', () => {
  it('is the same whatever order its pieces come in', () => {
    const pieces = [
      placed(account, 9), placed(membership('b'), 3), placed(membership('a'), 4), placed({ piece: 'grant', account: 'ann', entitlement: 'e', valid: 1 }, 8),
      placed(credential('k2'), 6), placed(credential('k1'), 6),
    ]
    const expected = assembleAccount('ann', pieces, frame)
    expect(expected.record).toMatchObject({ observed: 3, valid: 7 })
    fc.assert(fc.property(fc.shuffledSubarray(pieces, { minLength: pieces.length }), (shuffled) => {
      expect(assembleAccount('ann', shuffled, frame)).toEqual(expected)
    }))
  })

  it('takes a membership told by both sides once, with the time that one of them knows', () => {
    const { record } = assembleAccount('ann', [placed(account), placed(membership('a')), placed(membership('a', 42))], frame)
    expect(record!.memberships!.added).toEqual([{ ref: { kind: 'role', id: 'a' }, valid: 42 }])
  })

  it('says nothing about classes that nothing reads, and is not whole in those not read completely', () => {
    const { record } = assembleAccount('ann', [placed(account)], { ...frame, has: new Set(['accounts', 'memberships']), whole: new Set(['accounts']) })
    expect(record).toMatchObject({ memberships: { whole: false, added: [] }, grants: null, credentials: null })
  })

  it('of which a row was rejected is not whole; of which only rejected rows are known is no record', () => {
    const half = assembleAccount('ann', [placed(account), placed({ piece: 'rejected' })], frame)
    expect(half.record).toMatchObject({ attributes: { whole: true }, memberships: { whole: false }, credentials: { whole: false } })
    expect(assembleAccount('ann', [placed({ piece: 'rejected' }), placed(membership('a'))], frame).record).toBeNull()
  })

  it('with a hundred thousand memberships is put together too', () => {
    const many = Array.from({ length: 100_000 }, (_, at) => placed(membership(`r${at}`)))
    expect(assembleAccount('ann', [placed(account), ...many], frame).record!.memberships!.added).toHaveLength(100_000)
  })
})

describe('a definition', () => {
  const role = { kind: 'role', id: 'r' } as const
  const child = (id: string): Mapped => ({ piece: 'child', parent: role, child: { kind: 'entitlement', id } })

  it('has each child once, sorted, and is known by its children alone', () => {
    const { record } = assembleDefinition([placed(child('b'), 4), placed(child('a'), 2), placed(child('b'), 6)], frame)
    expect(record).toMatchObject({ ref: role, name: null, observed: 2, whole: true, children: [{ id: 'a' }, { id: 'b' }] })
  })

  it('told in two ways is not whole, and says where', () => {
    const first: Mapped = { piece: 'definition', ref: role, name: 'One', valid: null }
    const result = assembleDefinition([placed(first, 1), placed({ ...first, name: 'Two' }, 2)], frame)
    expect(result).toMatchObject({ record: { name: 'One', whole: false }, loss: { place: 'at 2' } })
    expect(assembleDefinition([placed(first, 1), placed(first, 2)], frame)).toMatchObject({ record: { whole: true }, loss: null })
  })
})
