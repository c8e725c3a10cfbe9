import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connector } from '../../../connectors/keycloak/connector.ts'
import type { HttpClient, Mapped } from '../../../src/ports/connector.ts'
import { Lab } from '../../connect/lab.ts'
import { connectorContract } from '../../contract/connector.ts'
import { operation, writeContract } from '../../contract/write-side.ts'
import { startKeycloak, type Keycloak } from '../../services/keycloak.ts'
import { containing, named, ofPiece, readStream } from '../../support/reading.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { openScim } from '../scim/reading.ts'
import { idsOf, logsIn, makeRealm, openKeycloak, readerSecret, robotSecret, settings, someone } from './realm.ts'

let keycloak: Keycloak
beforeAll(async () => {
  keycloak = await startKeycloak()
}, 600_000)
afterAll(async () => {
  delete process.env['GRANTLINE_TEST_KEYCLOAK']
  await keycloak.stop()
})

connectorContract(connector, async () => {
  const realm = await makeRealm(keycloak, [someone('ada', { groups: ['/sales/emea'] }), someone('bob', { realmRoles: ['head'] }), someone('eve')])
  const ids = await idsOf(keycloak, realm)
  return {
    with: settings(keycloak, realm, { pageSize: 2 }),
    platform: testPlatform(),
    accounts: [...ids.values()],
    absent: '00000000-0000-4000-8000-000000000000',
    change: async () => {
      const bob = ids.get('bob') ?? ''
      await keycloak.call('PUT', `/${realm}/users/${bob}`, someone('bob', { lastName: 'Changed' }))
      return bob
    },
    dispose: () => keycloak.call('DELETE', `/${realm}`).then(() => undefined),
  }
})

writeContract(connector, async () => {
  const realm = await makeRealm(keycloak, [someone('ada'), someone('bob', { groups: ['/sales'] })])
  const ids = await idsOf(keycloak, realm)
  const ada = ids.get('ada') ?? ''
  const bob = ids.get('bob') ?? ''
  const list = async (path: string, field: string): Promise<string[]> =>
    ((await keycloak.call('GET', `/${realm}/users/${ada}/${path}`)) as Record<string, string>[]).map((row) => row[field] ?? '')
  const billing = ((await keycloak.call('GET', `/${realm}/clients?clientId=billing`)) as { id: string }[])[0]?.id ?? ''
  const enabled = async (): Promise<boolean> => ((await keycloak.call('GET', `/${realm}/users/${ada}`)) as { enabled: boolean }).enabled
  const emea = { kind: 'group', id: '/sales/emea' } as const
  const robot = ids.get('service-account-robot') ?? ''
  const robotClient = async (): Promise<{ id: string; enabled: boolean; secret: string }> =>
    ((await keycloak.call('GET', `/${realm}/clients?clientId=Robot`)) as { id: string; enabled: boolean; secret: string }[])[0]!
  const handOver = mkdtempSync(join(tmpdir(), 'grantline-keycloak-'))
  const handedOver = join(handOver, `${robot}@Robot%3Aclient-secret`)
  const secret = { credential: 'Robot:client-secret' }
  const approve = { kind: 'role', id: 'client-role:billing:approve' } as const
  return {
    with: settings(keycloak, realm, { handOver }),
    platform: testPlatform(),
    cases: [
      { operation: operation('create-account', 'Zoe', { attributes: { email: 'Zoe@example.org', firstName: 'Zoe' } }), holds: async () => (await idsOf(keycloak, realm)).has('zoe') },
      { operation: operation('grant', ada, { ref: { kind: 'role', id: 'role:clerk' } }), holds: async () => (await list('role-mappings/realm', 'name')).includes('clerk') },
      { operation: operation('revoke', ada, { ref: { kind: 'entitlement', id: 'role:clerk' } }), holds: async () => !(await list('role-mappings/realm', 'name')).includes('clerk') },
      { operation: operation('grant', ada, { ref: approve }), holds: async () => (await list(`role-mappings/clients/${billing}`, 'name')).includes('approve') },
      { operation: operation('revoke', ada, { ref: approve }), holds: async () => !(await list(`role-mappings/clients/${billing}`, 'name')).includes('approve') },
      { operation: operation('grant', ada, { ref: emea }), holds: async () => (await list('groups', 'path')).includes('/sales/emea') },
      { operation: operation('revoke', ada, { ref: emea }), holds: async () => !(await list('groups', 'path')).includes('/sales/emea') },
      { operation: operation('disable-account', ada), holds: async () => !(await enabled()) },
      { operation: operation('enable-account', ada), holds: enabled },
      { operation: operation('delete-account', ada), holds: async () => !(await idsOf(keycloak, realm)).has('ada') },
      { operation: operation('rotate-credential', robot, secret), holds: async () => existsSync(handedOver) && (statSync(handedOver).mode & 0o777) === 0o600 && (await logsIn(keycloak, realm, 'Robot', readFileSync(handedOver, 'utf8'))) },
      { operation: operation('disable-credential', robot, secret), holds: async () => !(await robotClient()).enabled },
    ],
    refused: [
      operation('create-account', 'bob', { attributes: { email: 'another@example.org' } }),
      operation('create-account', 'bob2', { attributes: { email: 'bob@example.org' } }),
      operation('grant', bob, { ref: { kind: 'role', id: 'role:none' } }),
      operation('grant', bob, { ref: { kind: 'role', id: 'client-role:billing:none' } }),
      operation('grant', bob, { ref: { kind: 'group', id: '/none' } }),
      operation('grant', '00000000-0000-4000-8000-000000000000', { ref: { kind: 'role', id: 'role:clerk' } }),
      operation('disable-account', '00000000-0000-4000-8000-000000000000'),
      operation('rotate-credential', bob, secret),
      operation('rotate-credential', robot, { credential: 'Robot:rotated-secret' }),
      operation('disable-credential', robot, { credential: 'billing:client-secret' }),
    ],
    bystanders: async () => [{ ...(await robotClient()), enabled: true, secret: '', attributes: {} }, await keycloak.call('GET', `/${realm}/users/${bob}`), await keycloak.call('GET', `/${realm}/users/${bob}/groups`)],
    dispose: async () => {
      rmSync(handOver, { recursive: true })
      await keycloak.call('DELETE', `/${realm}`)
    },
  }
})

describe('what a realm holds', () => {
  let realm: string
  let ids: ReadonlyMap<string, string>
  let pieces: Mapped[]
  beforeAll(async () => {
    realm = await makeRealm(keycloak, [
      someone('ada', { groups: ['/sales/emea'] }),
      someone('bob', { realmRoles: ['head'], clientRoles: { billing: ['read'] }, enabled: false }),
      someone('odd', { id: 'a/b', groups: ['/sales'] }),
    ])
    const robot = ((await keycloak.call('GET', `/${realm}/clients?clientId=Robot`)) as { id: string }[])[0]?.id ?? ''
    await keycloak.call('POST', `/${realm}/clients/${robot}/client-secret`)
    ids = await idsOf(keycloak, realm)
    const profile = (await keycloak.call('GET', `/${realm}/users/profile`)) as object
    await keycloak.call('PUT', `/${realm}/users/profile`, { ...profile, unmanagedAttributePolicy: 'ENABLED' })
    await keycloak.call('PUT', `/${realm}/users/${ids.get('ada')}`, someone('ada', { attributes: { personnel: ['4711'] } }))
    const session = await openKeycloak(keycloak, realm, { attributes: { email: 'email', personnel: 'personnel' } })
    pieces = []
    for (const stream of session.streams) {
      const read = await readStream(stream)
      expect([stream.name, read.error]).toEqual([stream.name, null])
      pieces.push(...read.pieces)
    }
  }, 120_000)

  const childrenOf = (kind: 'role' | 'group', id: string): string[] =>
    ofPiece(pieces, 'child').filter(({ parent }) => parent.kind === kind && parent.id === id).map(({ child }) => `${child.kind} ${child.id}`).sort()
  const membershipsOf = (username: string): string[] =>
    ofPiece(pieces, 'membership').filter(({ account }) => account === ids.get(username)).map(({ ref }) => `${ref.kind} ${ref.id}`).sort()

  test('roles, of the realm and of clients, and what composite ones hold', () => {
    expect(childrenOf('role', 'role:head')).toEqual(['entitlement role:head', 'role client-role:billing:approve', 'role role:clerk'])
    expect(childrenOf('role', 'client-role:billing:approve')).toEqual(['entitlement client-role:billing:approve'])
    expect(childrenOf('role', 'client-role:realm-management:realm-admin').length).toBeGreaterThan(15)
  })

  test('groups in a tree: who is in the inner one has what the outer one gives', () => {
    expect(childrenOf('group', '/sales')).toEqual(['entitlement group:/sales', 'role role:clerk'])
    expect(childrenOf('group', '/sales/emea')).toEqual(['entitlement group:/sales/emea', 'group /sales', 'role client-role:billing:read'])
  })

  test('users with their direct roles and groups', () => {
    const [ada, bob] = ['ada', 'bob'].map((name) => ofPiece(pieces, 'account').find(({ id }) => id === ids.get(name))?.attributes)
    expect(ada).toMatchObject({ kind: 'human', status: 'active', display: 'Some ada', values: { email: 'ada@example.org', personnel: '4711' } })
    expect(bob?.status).toBe('disabled')
    expect(Math.abs((ada?.created ?? 0) - Date.now())).toBeLessThan(600_000)
    expect(membershipsOf('ada')).toEqual(['group /sales/emea'])
    expect(membershipsOf('bob')).toEqual(['role client-role:billing:read', 'role role:head'])
  })

  test('service accounts of clients, their owner, and when their secret was made; never the secret', () => {
    const robot = ids.get('service-account-robot') ?? ''
    expect(ofPiece(pieces, 'account').find(({ id }) => id === robot)?.attributes).toMatchObject({
      kind: 'service', display: 'Robot', owner: 'ada@example.org', values: { clientId: 'Robot', username: 'service-account-robot' },
    })
    const [credential] = ofPiece(pieces, 'credential').filter(({ account }) => account === robot)
    expect(credential?.credential).toMatchObject({ kind: 'client-secret', expires: null })
    expect(Math.abs((credential?.credential.created ?? 0) - Date.now())).toBeLessThan(600_000)
    expect(membershipsOf('service-account-robot')).toContain('role role:clerk')
    expect(JSON.stringify(pieces)).not.toMatch(new RegExp(`${robotSecret}|${readerSecret}|unused`))
  })

  test('a disabled client is a disabled account that has no credential any more', async () => {
    const id = ids.get('service-account-robot') ?? ''
    const robot = ((await keycloak.call('GET', `/${realm}/clients?clientId=Robot`)) as { id: string }[])[0]?.id ?? ''
    const session = await openKeycloak(keycloak, realm)
    await keycloak.call('PUT', `/${realm}/clients/${robot}`, { clientId: 'Robot', enabled: false })
    const read = (await session.readOne?.(id)) ?? []
    await keycloak.call('PUT', `/${realm}/clients/${robot}`, { clientId: 'Robot', enabled: true })
    expect([ofPiece(read, 'account')[0]?.attributes.status, ofPiece(read, 'credential')]).toEqual(['disabled', []])
  })

  test('a single read shows an account as the whole read does, services and nested groups too', async () => {
    const session = await openKeycloak(keycloak, realm, { attributes: { email: 'email', personnel: 'personnel' } })
    for (const [name, id] of ids) {
      const whole = pieces.filter((piece) => ('account' in piece && piece.account === id) || (piece.piece === 'account' && piece.id === id))
      const single = (await session.readOne?.(id)) ?? []
      const spelt = (of: Mapped[]): string[] => of.map((piece) => JSON.stringify(piece)).sort()
      expect([name, spelt(single)]).toEqual([name, spelt(whole)])
    }
  })

  test('changes are the admin events since the cursor, each told once', async () => {
    const { changes } = await openKeycloak(keycloak, realm)
    if (changes === undefined) throw new Error('changes are not offered')
    let { cursor } = await changes(null)
    const next = async (): Promise<string[]> => {
      const answer = await changes(cursor)
      cursor = answer.cursor
      return answer.accounts.sort()
    }
    expect(await next()).toEqual([])
    const ada = ids.get('ada') ?? ''
    const clerk = await keycloak.call('GET', `/${realm}/roles/clerk`)
    await keycloak.call('POST', `/${realm}/users/${ada}/role-mappings/realm`, [clerk])
    expect(await next()).toEqual([ada])
    // the path of an event does not encode the id
    await keycloak.call('POST', `/${realm}/users/a%2Fb/role-mappings/realm`, [clerk])
    expect(await next()).toEqual(['a/b'])
    await keycloak.call('DELETE', `/${realm}/users/a%2Fb/role-mappings/realm`, [clerk])
    expect(await next()).toEqual(['a/b'])
    const zoe = (await keycloak.call('POST', `/${realm}/users`, someone('zoe'))) as string
    await keycloak.call('DELETE', `/${realm}/users/${zoe}`)
    expect(await next()).toEqual([zoe])
    expect(await next()).toEqual([])
    await keycloak.call('DELETE', `/${realm}/admin-events`)
    await expect(changes(cursor)).rejects.toMatchObject({ name: 'ExpiredCursor' })
  })

  test('disabling sends one field, and everything else of the user stays', async () => {
    const ada = `/${realm}/users/${ids.get('ada')}`
    const { write } = await openKeycloak(keycloak, realm)
    const before = (await keycloak.call('GET', ada)) as object
    await write?.ensure(operation('disable-account', ids.get('ada') ?? ''), 'disable', 'key')
    expect(await keycloak.call('GET', ada)).toEqual({ ...before, enabled: false })
    await write?.ensure(operation('enable-account', ids.get('ada') ?? ''), 'enable-account', 'key')
    expect(await keycloak.call('GET', ada)).toEqual(before)
  })

  test('a wrong secret is told as such, and not repeated', async () => {
    process.env['GRANTLINE_TEST_WRONG'] = 'wrong-secret-value'
    const wrong = openKeycloak(keycloak, realm, { reader: { grant: 'client-credentials', clientId: 'grantline', clientSecret: 'env:GRANTLINE_TEST_WRONG' } })
    await expect(wrong).rejects.toMatchObject({ class: 'authentication' })
    await expect(wrong).rejects.not.toThrow(/wrong-secret-value/)
    delete process.env['GRANTLINE_TEST_WRONG']
  })
})

test('users that come and go while they are read are no silent loss', async () => {
  const realm = await makeRealm(keycloak, Array.from({ length: 12 }, (_, n) => someone(`user${10 + n}`)))
  const ids = await idsOf(keycloak, realm)
  const session = await openKeycloak(keycloak, realm, { pageSize: 4 })
  const read = await readStream(named(session, 'users'), async (pages) => {
    if (pages !== 1) return
    await keycloak.call('DELETE', `/${realm}/users/${ids.get('user10')}`)
    await keycloak.call('POST', `/${realm}/users`, someone('user99'))
  })
  const starts = read.pages.map(({ start, rows }) => [start, rows.length])
  expect(starts[1]?.[0]).toBeLessThan(4)
  const role = await readStream(named(session, 'holders of roles'), async (pages) => {
    if (pages === 1) await keycloak.call('DELETE', `/${realm}/users/${ids.get('user11')}`)
  })
  expect(role.error === null || role.error.class === 'partial').toBe(true)
  await keycloak.call('DELETE', `/${realm}`)
}, 60_000)

test('a run that was stopped goes on behind the last role and user that were read', async () => {
  const realm = await makeRealm(keycloak, Array.from({ length: 7 }, (_, n) => someone(`user${n}`, { realmRoles: ['clerk', 'head'], groups: ['/sales'] })))
  const lab = new Lab(1)
  const controller = new AbortController()
  const attempt = async (at: RegExp | null): Promise<{ result: unknown; asked: string[] }> => {
    const platform = testPlatform()
    const request: HttpClient['request'] = async (asked) => {
      if (at?.test(asked.url) === true) controller.abort(new Error('stopping'))
      return await platform.http.request(asked)
    }
    const result: unknown = await lab.snapshot(() => openKeycloak(keycloak, realm, { pageSize: 3, changes: 'off' }, { ...platform, http: { request } }), at === null ? {} : { signal: controller.signal })
      .catch((error: unknown) => error)
    return { result, asked: platform.requests.map(({ url }) => new URL(url).pathname + new URL(url).search) }
  }
  const stopped = await attempt(/users\?first=2&/)
  expect(String(stopped.result)).toContain('stopping')
  const { result, asked } = await attempt(null)
  expect(result).toMatchObject({ run: 1, verdict: 'complete', error: null })
  expect(asked.filter((path) => /roles\/(clerk|head)\/users|groups\/.*\/members/.test(path))).toEqual([])
  const read = (await lab.of('raw', 'Account')).filter(({ attributes }) => attributes?.kind === 'human')
  expect(read.map(({ memberships }) => [memberships?.whole, memberships?.added.map(({ ref }) => ref.id).sort()])).toEqual(read.map(() => [true, ['/sales', 'role:clerk', 'role:head']]))
  expect(read).toHaveLength(7)
  lab.dispose()
  await keycloak.call('DELETE', `/${realm}`)
}, 60_000)

describe('the SCIM server of Keycloak, whose cursor pretends to end', () => {
  let realm: string
  let base: string
  beforeAll(async () => {
    const users = Array.from({ length: 7 }, (_, n) => someone(`user${n}`, { groups: ['/sales'] }))
    realm = await makeRealm(keycloak, users, { scimApiEnabled: true, accessTokenLifespan: 3600 })
    base = `${keycloak.baseUrl}/realms/${realm}/scim/v2`
    const client = ((await keycloak.call('GET', `/${realm}/clients?clientId=grantline`)) as { id: string }[])[0]?.id ?? ''
    await keycloak.call('POST', `/${realm}/clients/${client}/protocol-mappers/models`, {
      name: 'scim', protocol: 'openid-connect', protocolMapper: 'oidc-audience-mapper',
      config: { 'included.custom.audience': base, 'access.token.claim': 'true' },
    })
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'grantline', client_secret: readerSecret })
    const answer = await fetch(`${keycloak.baseUrl}/realms/${realm}/protocol/openid-connect/token`, { method: 'POST', body: form })
    process.env['GRANTLINE_TEST_KEYCLOAK_SCIM'] = ((await answer.json()) as { access_token: string }).access_token
  }, 120_000)
  afterAll(async () => {
    delete process.env['GRANTLINE_TEST_KEYCLOAK_SCIM']
    await keycloak.call('DELETE', `/${realm}`)
  })
  const token = 'env:GRANTLINE_TEST_KEYCLOAK_SCIM'

  test('answers an unknown cursor with the first page and no next one', async () => {
    const response = await fetch(`${base}/Users?cursor=&count=2`, { headers: { authorization: `Bearer ${process.env['GRANTLINE_TEST_KEYCLOAK_SCIM']}` } })
    const body = (await response.json()) as { totalResults: number; Resources: unknown[]; nextCursor?: string }
    expect([response.status, body.totalResults, body.Resources.length, body.nextCursor]).toEqual([200, 7, 2, undefined])
  })

  test('is measured, and every user is read by index', async () => {
    const session = await openScim(base, { token, pageSize: 2 })
    const users = named(session, 'users')
    expect(users.proof).toBe('total')
    const read = await readStream(users)
    expect(read.error).toBeNull()
    const ids = await idsOf(keycloak, realm)
    const wanted = [...ids].filter(([name]) => name.startsWith('user')).map(([, id]) => id)
    expect(ofPiece(read.pieces, 'account').map(({ id }) => id).sort()).toEqual(wanted.sort())
  })

  test('is a loss that says so where cursors are demanded', async () => {
    const session = await openScim(base, { token, paging: 'cursor', pageSize: 2 })
    const { error, pieces } = await readStream(named(session, 'users'))
    expect(ofPiece(pieces, 'account')).toHaveLength(2)
    expect(error).toMatchObject({ class: 'partial', place: containing('Users page 1') })
  })
})
