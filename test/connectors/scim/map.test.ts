import { describe, expect, test } from 'vitest'
import { ScimConfig } from '../../../connectors/scim/config.ts'
import { mapGroup, mapUser, membersOf } from '../../../connectors/scim/map.ts'
import { MappingError } from '../../../src/ports/connector.ts'

const config = (patch: object = {}) => ScimConfig.parse({ baseUrl: 'https://idp.example.org/scim/v2/', ...patch })

function failure(row: unknown, patch: object = {}): MappingError {
  try {
    mapUser(config(patch), row)
  } catch (error) {
    if (error instanceof MappingError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('config', () => {
  test('the base loses its last slash; what is no reference or no path is refused', () => {
    expect(config().baseUrl).toBe('https://idp.example.org/scim/v2')
    for (const patch of [
      { token: 'abc' }, { baseUrl: 'ftp://x' }, { pageSize: 1 }, { users: { attributes: { a: 'b c' } } }, { users: { path: 'Users' } }, { tokens: 'env:A' },
    ]) expect(ScimConfig.safeParse({ baseUrl: 'https://x', ...patch }).success).toBe(false)
  })
})

describe('users', () => {
  test('the least a user can be', () => {
    expect(mapUser(config(), { id: 'u' })).toEqual([
      { piece: 'account', id: 'u', valid: null, attributes: {
        kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {} } },
    ])
  })

  test('names of attributes in any case; the first value where none is primary', () => {
    expect(mapUser(config(), { ID: 'u', UserName: 'ada', Emails: [{ Value: 'a@x' }, { Value: 'b@x' }], ACTIVE: false })).toMatchObject([
      { id: 'u', attributes: { status: 'disabled', display: 'ada', values: { userName: 'ada', email: 'a@x' } } },
    ])
  })

  test('roles and entitlements, each once, or not at all', () => {
    const row = { id: 'u', roles: [{ value: 'a' }, { value: 'a', primary: true }, 'b'], entitlements: [{ value: 'a' }] }
    const held = (patch: object) => mapUser(config(patch), row).flatMap((p) => (p.piece === 'grant' ? [p.entitlement] : []))
    expect(held({})).toEqual(['role:a', 'role:b', 'entitlement:a'])
    expect(held({ roles: 'ignore' })).toEqual(['entitlement:a'])
    expect(held({ roles: 'ignore', entitlements: 'ignore' })).toEqual([])
  })

  test('times keep their zone', () => {
    expect(mapUser(config(), { id: 'u', meta: { created: '2026-01-02T03:04:05.6789+01:00', lastModified: '2026-01-02T03:04:05Z' } })).toMatchObject([
      { valid: Date.UTC(2026, 0, 2, 3, 4, 5), attributes: { created: Date.UTC(2026, 0, 2, 2, 4, 5, 678) } },
    ])
  })

  test.each([
    [{ id: 'u', active: 'True' }, /active/],
    [{ id: 'u', meta: { created: 'yesterday' } }, /meta\.created/],
    [{ id: 'u', meta: { created: '2026-01-02T03:04:05' } }, /zone/],
    [{ id: 'u', emails: [{ value: { deep: 1 } }] }, /emails\.value/],
    [{ id: 'u', roles: [{ display: 'no value' }] }, /roles/],
    [{ id: 'u', roles: 'admin' }, /roles/],
    [{ id: 'u', roles: [7] }, /roles/],
  ])('%j is refused by name', (row, message) => {
    expect(failure(row)).toMatchObject({ id: 'u', message: expect.stringMatching(message) as unknown })
  })

  test.each([null, 'text', [], {}, { id: '' }, { id: 7 }])('%j has no id', (row) => expect(failure(row)).toMatchObject({ id: null }))

  test('a kind that is not listed is the other one, also if it is called like something built in', () => {
    const kind = { attribute: 'userType', values: { Bot: 'token' }, otherwise: 'service' }
    const kinds = ['Bot', 'constructor', undefined].map((userType) => mapUser(config({ users: { kind } }), { id: 'u', userType })[0])
    expect(kinds.map((p) => (p?.piece === 'account' ? p.attributes.kind : null))).toEqual(['token', 'service', 'service'])
  })
})

describe('groups', () => {
  test('who a member is: by type, by reference, else as configured', () => {
    const members = [
      { value: 'a', type: 'User' }, { value: 'b', type: 'Group' }, { value: 'c', $ref: '/scim/v2/Groups/c' }, { value: 'd', $ref: 'Users/d' },
      { value: 'e', $ref: 'https://x/scim/v2/Users/e' }, { value: 'a', type: 'User' },
    ]
    expect(membersOf(config(), { id: 'g', members })).toEqual({ users: ['a', 'd', 'e'], groups: ['b', 'c'] })
    expect(membersOf(config({ untypedMembers: 'group' }), { id: 'g', members: [{ value: 'x' }] })).toEqual({ users: [], groups: ['x'] })
  })

  test('a group is defined, gives its own entitlement, and its id stands in no other name', () => {
    expect(mapGroup(config({ groups: 'user-groups' }), { id: 'g', displayName: 'G', members: [{ value: 'u' }] })).toEqual([
      { piece: 'definition', ref: { kind: 'group', id: 'g' }, name: 'G', valid: null },
      { piece: 'child', parent: { kind: 'group', id: 'g' }, child: { kind: 'entitlement', id: 'group:g' } },
    ])
    expect(() => mapGroup(config(), { id: 'g', members: [{ display: 'no value' }] })).toThrow(MappingError)
  })
})
