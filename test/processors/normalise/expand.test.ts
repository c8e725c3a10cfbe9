import { describe, expect, test } from 'vitest'
import type { Ref } from '../../../schemas/wire/raw.ts'
import { closureOf, comparePaths, expand } from '../../../processors/normalise/expand.ts'
import { entitlement, group, role } from './world.ts'

const graph: Record<string, Ref[]> = {
  'role:top': [role('left'), role('right'), entitlement('own')],
  'role:left': [role('deep')],
  'role:right': [entitlement('read'), role('missing')],
  'role:deep': [entitlement('read'), entitlement('far'), role('top')],
  'entitlement:far': [entitlement('implied')],
}
const childrenOf = ({ kind, id }: Ref): Ref[] | undefined => graph[`${kind}:${id}`]
const closure = (ref: Ref): ReturnType<typeof closureOf> => closureOf(ref, childrenOf)
const assigned = (ref: Ref, valid: number | null = null): { ref: Ref; valid: number | null } => ({ ref, valid })

describe('what a reference gives', () => {
  test('each entitlement by a shortest path, through cycles and implied entitlements', () => {
    expect(Object.fromEntries(closure(role('top')).grants)).toEqual({
      own: ['role:top'],
      read: ['role:top', 'role:right'],
      far: ['role:top', 'role:left', 'role:deep'],
      implied: ['role:top', 'role:left', 'role:deep', 'entitlement:far'],
    })
  })

  test('roles and groups that nothing defines are unknown, entitlements need no definition', () => {
    expect(closure(role('top')).unknown).toEqual(['role:missing'])
    expect(closure(group('none'))).toEqual({ grants: new Map(), unknown: ['group:none'] })
    expect(closure(entitlement('plain'))).toEqual({ grants: new Map([['plain', []]]), unknown: [] })
  })
})

describe('what assignments give', () => {
  test('a direct grant has the empty path first and its own time', () => {
    const { grants, unknown } = expand([assigned(role('deep'), 5), assigned(entitlement('read'), 9), assigned(role('right'), 3)], closure)
    expect(grants.find(({ native }) => native === 'read')).toEqual({
      native: 'read', direct: true, valid: 9, paths: [[], ['role:deep'], ['role:right']],
    })
    expect(unknown).toEqual(['role:missing'])
  })

  test('an inherited grant is valid from the earliest known time of what it comes by', () => {
    const { grants } = expand([assigned(role('deep'), 5), assigned(role('right')), assigned(role('left'), 2)], closure)
    expect(grants.find(({ native }) => native === 'read')).toMatchObject({ direct: false, valid: 2 })
    expect(grants.map(({ native }) => native)).toEqual(['far', 'implied', 'own', 'read'])
  })

  test('at most four paths, the shortest, in order; the same assignment twice counts once', () => {
    const six = ['f', 'e', 'd', 'c', 'b', 'a'].map((id) => assigned(group(id)))
    const nested = ({ kind, id }: Ref): Ref[] | undefined =>
      kind === 'entitlement' ? undefined : [id === 'a' ? group('b') : entitlement('x')]
    const of = (ref: Ref): ReturnType<typeof closureOf> => closureOf(ref, nested)
    const { grants } = expand([...six, assigned(group('c'))], of)
    expect(grants).toMatchObject([{ native: 'x', paths: [['group:b'], ['group:c'], ['group:d'], ['group:e']] }])
  })
})

test('paths are ordered by length, then by steps in code point order', () => {
  const paths = [['role:b'], ['role:a', 'role:z'], [], ['role:\u{1F600}'], ['role:\uFFFD'], ['role:a', 'role:b']]
  expect(paths.sort(comparePaths)).toEqual([[], ['role:b'], ['role:\uFFFD'], ['role:\u{1F600}'], ['role:a', 'role:b'], ['role:a', 'role:z']])
})
