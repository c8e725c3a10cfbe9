import { expect, it } from 'vitest'
import { connector } from '../../../connectors/scim/connector.ts'
import { resourceOf } from '../../../connectors/scim/create.ts'
import { operation, writeContract } from '../../contract/write-side.ts'
import { startScim2Server } from '../../services/scim2-server.ts'
import { testPlatform } from '../../support/test-platform.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

writeContract(connector, async () => {
  const server = await startScim2Server()
  process.env['GRANTLINE_TEST_SCIM_WRITE'] = server.token
  const base = server.tenant('writing')
  const call = async (method: string, path: string, body?: object): Promise<Record<string, unknown> | null> => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/scim+json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return response.ok && response.status !== 204 ? ((await response.json()) as Record<string, unknown>) : null
  }
  const user = async (userName: string): Promise<string> =>
    String((await call('POST', '/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName, active: true, roles: [{ value: 'reader' }] }))?.['id'])
  const [ada, bob] = [await user('ada'), await user('bob')]
  const group = String((await call('POST', '/Groups', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'staff', members: [{ value: bob, type: 'User' }],
  }))?.['id'])
  const holds = async (path: string, list: string, value: string): Promise<boolean> =>
    (((await call('GET', path))?.[list] ?? []) as { value: string }[]).some((entry) => entry.value === value)
  const inGroup = (): Promise<boolean> => holds(`/Groups/${group}`, 'members', ada)
  const active = async (): Promise<unknown> => (await call('GET', `/Users/${ada}`))?.['active']
  const named = async (userName: string): Promise<Record<string, unknown>[]> =>
    ((await call('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`))?.['Resources'] ?? []) as Record<string, unknown>[]
  const zoe = { 'emails.value': 'zoe@example.org', 'name.givenName': 'Zoe', displayName: 'Zoe', [`${enterprise}:employeeNumber`]: '4711' }
  const ref = { kind: 'group', id: group } as const
  const role = (value: string) => ({ ref: { kind: 'entitlement', id: `role:${value}` } as const })
  return {
    with: { baseUrl: base, token: 'env:GRANTLINE_TEST_SCIM_WRITE' },
    platform: testPlatform(),
    cases: [
      { operation: operation('create-account', 'zoe', { attributes: zoe }), holds: async () => (await named('zoe')).length === 1 },
      { operation: operation('grant', ada, { ref }), holds: inGroup },
      { operation: operation('revoke', ada, { ref: { kind: 'entitlement', id: `group:${group}` } }), holds: async () => !(await inGroup()) },
      { operation: operation('grant', ada, role('approver')), holds: () => holds(`/Users/${ada}`, 'roles', 'approver') },
      { operation: operation('revoke', ada, role('reader')), holds: async () => !(await holds(`/Users/${ada}`, 'roles', 'reader')) },
      { operation: operation('disable-account', ada), holds: async () => (await active()) === false },
      { operation: operation('enable-account', ada), holds: async () => (await active()) === true },
      { operation: operation('delete-account', ada), holds: async () => (await call('GET', `/Users/${ada}`)) === null },
    ],
    refused: [
      operation('create-account', 'bob', { attributes: { externalId: 'another' } }),
      operation('grant', bob, { ref: { kind: 'group', id: 'none' } }),
      operation('grant', bob, { ref: { kind: 'role', id: 'clerk' } }),
      operation('disable-account', 'nobody'),
    ],
    bystanders: async () => [await call('GET', `/Users/${bob}`), await holds(`/Groups/${group}`, 'members', bob)],
    dispose: async () => {
      delete process.env['GRANTLINE_TEST_SCIM_WRITE']
      await server.stop()
    },
  }
})

it('puts attributes together by their paths', () => {
  expect(resourceOf('zoe', { 'emails.value': 'z@x', 'name.givenName': 'Zoe', 'name.familyName': 'Ny', externalId: '7', [`${enterprise}:employeeNumber`]: '4711', [`${enterprise}:manager.value`]: 'm' })).toEqual({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise], userName: 'zoe', active: true, externalId: '7',
    emails: [{ value: 'z@x', primary: true }], name: { givenName: 'Zoe', familyName: 'Ny' }, [enterprise]: { employeeNumber: '4711', manager: { value: 'm' } },
  })
})
