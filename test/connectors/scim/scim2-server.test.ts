import { beforeAll, describe, expect, test } from 'vitest'
import { connector } from '../../../connectors/scim/connector.ts'
import { connectorContract } from '../../contract/connector.ts'
import { startScim2Server, type Scim2Server } from '../../services/scim2-server.ts'
import { named, ofPiece } from '../../support/reading.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { breaks, openScim, readStream } from './reading.ts'

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

let server: Scim2Server
beforeAll(async () => {
  server = await startScim2Server()
  process.env['GRANTLINE_TEST_SCIM_TOKEN'] = server.token
  return async () => {
    delete process.env['GRANTLINE_TEST_SCIM_TOKEN']
    await server.stop()
  }
}, 240_000)
const token = 'env:GRANTLINE_TEST_SCIM_TOKEN'

async function call(base: string, method: string, path: string, body?: object): Promise<{ id: string; Operations: { location: string }[] }> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/scim+json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? { id: '', Operations: [] } : ((await response.json()) as { id: string; Operations: { location: string }[] })
}

/** Seeds by Bulk; the ids, in the order of the resources. */
async function seed(base: string, path: string, resources: object[]): Promise<string[]> {
  const ids: string[] = []
  for (let from = 0; from < resources.length; from += 1000) {
    const Operations = resources.slice(from, from + 1000).map((data, i) => ({ method: 'POST', path, bulkId: `b${i}`, data }))
    const done = await call(base, 'POST', '/Bulk', { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations })
    ids.push(...done.Operations.map((operation) => operation.location.split('/').at(-1) ?? ''))
  }
  return ids
}

const user = (n: number, more: object = {}) => ({ schemas: [userSchema], userName: `u${n}`, active: n % 10 !== 0, ...more })
const group = (n: number, members: string[], inner: string[] = []) => ({
  schemas: [groupSchema], displayName: `g${n}`,
  members: [...members.map((value) => ({ value, type: 'User' })), ...inner.map((value) => ({ value, type: 'Group' }))],
})

connectorContract(connector, async () => {
  const base = server.tenant('contract')
  const users = await seed(base, '/Users', Array.from({ length: 30 }, (_, n) => user(n)))
  await seed(base, '/Groups', [group(1, users.slice(0, 12))])
  // told apart from what the overlap of changes still shows
  const [first = ''] = users
  return {
    with: { baseUrl: base, token, pageSize: 10 },
    platform: testPlatform(),
    accounts: users,
    absent: 'nobody',
    change: async () => {
      await call(base, 'PATCH', `/Users/${first}`, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'displayName', value: 'Another Name' }] })
      return first
    },
    dispose: () => Promise.resolve(),
  }
})

describe('5,000 users in 60 groups', () => {
  let base: string
  let users: string[]
  let groups: string[]
  const pairs = new Set<string>()

  beforeAll(async () => {
    base = server.tenant('large')
    users = await seed(base, '/Users', Array.from({ length: 5000 }, (_, n) => user(n, n === 7 ? { roles: [{ value: 'approver' }], entitlements: [{ value: 'export' }] } : {})))
    const members = Array.from({ length: 60 }, (_, g) => users.filter((_, n) => n % 60 === g || (g === 0 && n < 20)))
    groups = await seed(base, '/Groups', members.map((list, g) => group(g, list)))
    for (const [g, list] of members.entries()) for (const member of list) pairs.add(`${member} ${groups[g]}`)
    // The first group is put into the second: who is in it has what both give.
    await call(base, 'PATCH', `/Groups/${groups[1]}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'add', path: 'members', value: [{ value: groups[0], type: 'Group' }] }],
    })
  }, 240_000)

  test.each([['index', 'total'], ['cursor', 'cursor'], ['auto', 'cursor']] as const)('paging %s reads all of it', async (paging, proof) => {
    const session = await openScim(base, { token, paging, pageSize: 300 })
    expect(session.streams.map(({ name, classes, proof: by }) => ({ name, classes, by }))).toEqual([
      { name: 'groups', classes: ['definitions', 'memberships'], by: proof },
      { name: 'users', classes: ['accounts', 'grants'], by: proof },
    ])
    const groupsRead = await readStream(named(session, 'groups'))
    expect(groupsRead.error).toBeNull()
    expect(new Set(groupsRead.ids)).toEqual(new Set(groups))
    expect(groupsRead.ids).toHaveLength(60)
    const memberships = ofPiece(groupsRead.pieces, 'membership').map((p) => `${p.account} ${p.ref.id}`)
    expect(memberships).toHaveLength(pairs.size)
    expect(new Set(memberships)).toEqual(pairs)
    expect(ofPiece(groupsRead.pieces, 'child')).toContainEqual({
      piece: 'child', parent: { kind: 'group', id: groups[0] }, child: { kind: 'group', id: groups[1] },
    })
    expect(ofPiece(groupsRead.pieces, 'child').filter((p) => p.child.kind === 'entitlement')).toHaveLength(60)

    const usersRead = await readStream(named(session, 'users'))
    expect(usersRead.error).toBeNull()
    expect(usersRead.ids).toHaveLength(5000)
    expect(new Set(usersRead.ids)).toEqual(new Set(users))
    expect(new Set(usersRead.pages.map((page) => page.total))).toEqual(new Set([5000]))
    expect(ofPiece(usersRead.pieces, 'grant')).toEqual([
      { piece: 'grant', account: users[7], entitlement: 'role:approver', valid: null },
      { piece: 'grant', account: users[7], entitlement: 'entitlement:export', valid: null },
    ])
    expect(ofPiece(usersRead.pieces, 'account').filter((p) => p.attributes.status === 'disabled')).toHaveLength(500)
  }, 120_000)

  test('by index, positions join without a gap, a page smaller than asked for is no end, and the last one is empty', async () => {
    const session = await openScim(base, { token, paging: 'index', pageSize: 2000 })
    const { pages } = await readStream(named(session, 'users'))
    expect(breaks(pages)).toEqual([])
    expect(pages[0]?.rows).toHaveLength(500)
    expect(pages[1]?.place).toBe('Users page 2 (startIndex=500)')
    expect(pages.at(-1)).toMatchObject({ rows: [], total: 5000, start: 5000 })
  }, 60_000)

  test('one user, with every group that lists it', async () => {
    const { readOne } = await openScim(base, { token })
    const pieces = await readOne?.(users[5] ?? '')
    expect(pieces?.[0]).toMatchObject({ piece: 'account', id: users[5] })
    expect(new Set(ofPiece(pieces ?? [], 'membership').map((p) => p.ref.id))).toEqual(new Set([groups[0], groups[5]]))
    expect(ofPiece((await readOne?.(users[7] ?? '')) ?? [], 'grant')).toHaveLength(2)
    expect(await readOne?.('nobody')).toBeNull()
    expect(await readOne?.('../Groups/x?y#z')).toBeNull()
  }, 60_000)

  test('a wrong token is told as such, and is not in the error', async () => {
    process.env['GRANTLINE_TEST_WRONG_TOKEN'] = 'wrong-token-value'
    const opened = openScim(base, { token: 'env:GRANTLINE_TEST_WRONG_TOKEN' })
    await expect(opened).rejects.toMatchObject({ class: 'authentication' })
    await expect(opened).rejects.not.toThrow(/wrong-token-value/)
    delete process.env['GRANTLINE_TEST_WRONG_TOKEN']
  })
})

describe('what a user is', () => {
  test('attributes, times, kind and owner', async () => {
    const base = server.tenant('attributes')
    const manager = (await call(base, 'POST', '/Users', user(1))).id
    const { id } = await call(base, 'POST', '/Users', {
      ...user(2), schemas: [userSchema, enterprise], externalId: 'x-2', displayName: 'Robot', userType: 'Bot',
      emails: [{ value: 'second@example.org' }, { value: 'first@example.org', primary: true }],
      [enterprise]: { employeeNumber: '4711', manager: { value: manager } },
    })
    const session = await openScim(base, {
      token,
      users: { kind: { attribute: 'userType', values: { Bot: 'service' } }, owner: `${enterprise}:manager.value` },
    })
    const pieces = ofPiece((await readStream(named(session, 'users'))).pieces, 'account')
    expect(pieces.find((p) => p.id === id)?.attributes).toMatchObject({
      kind: 'service', status: 'active', display: 'Robot', owner: manager, lastUsed: null,
      values: { userName: 'u2', email: 'first@example.org', externalId: 'x-2', employeeNumber: '4711' },
    })
    expect(pieces.find((p) => p.id === manager)?.attributes).toMatchObject({ kind: 'human', display: 'u1', values: { userName: 'u1' } })
    expect(Math.abs((pieces[0]?.attributes.created ?? 0) - Date.now())).toBeLessThan(60_000)
  })
})

describe('users that come and go while they are read', () => {
  /** Deletes the first users in the server's order, which have been read by then, and may add as many. */
  async function disturbed(tenant: string, paging: string, add: boolean) {
    const base = server.tenant(tenant)
    const all = await seed(base, '/Users', Array.from({ length: 600 }, (_, n) => user(n)))
    const session = await openScim(base, { token, paging, pageSize: 100 })
    const gone: string[] = []
    const read = await readStream(named(session, 'users'), async (pages) => {
      if (pages !== 3) return
      gone.push(...[...all].sort().slice(0, 30))
      for (const id of gone) await call(base, 'DELETE', `/Users/${id}`)
      if (add) await seed(base, '/Users', Array.from({ length: 30 }, (_, n) => user(10_000 + n)))
    })
    return { read, missed: all.filter((id) => !gone.includes(id) && !read.ids.includes(id)) }
  }

  test('by index, deletions hide users that exist: the totals differ, and page 4 does not join', async () => {
    const { read, missed } = await disturbed('deleted', 'index', false)
    expect(missed.length).toBeGreaterThan(0)
    expect([read.pages[0]?.total, read.pages.at(-1)?.total]).toEqual([600, 570])
    expect(breaks(read.pages)).toEqual([expect.stringMatching(/^Users page 4 /)])
  }, 60_000)

  test('by index, as many additions make the totals agree, and still page 4 does not join', async () => {
    const { read } = await disturbed('exchanged', 'index', true)
    expect([read.pages[0]?.total, read.pages.at(-1)?.total]).toEqual([600, 600])
    expect(breaks(read.pages)).toEqual([expect.stringMatching(/^Users page 4 /)])
  }, 60_000)

  test('by cursor, nobody who stayed is missed, and nothing is lost', async () => {
    const { read, missed } = await disturbed('by-cursor', 'cursor', true)
    expect(missed).toEqual([])
    expect(read.error).toBeNull()
  }, 60_000)
})

test('changes: who was created or modified, and who is in a group that was, each told once', async () => {
  const base = server.tenant('changing')
  const [ada = '', bob = '', eve = ''] = await seed(base, '/Users', [user(1), user(2), user(3)])
  const [club = ''] = await seed(base, '/Groups', [group(1, [])])
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { changes } = await openScim(base, { token })
  let cursor: string | null = null
  const next = async (): Promise<string[]> => {
    const answer = await changes?.(cursor)
    if (answer === undefined) throw new Error('changes are not offered')
    cursor = answer.cursor
    return answer.accounts.sort()
  }
  const patch = (path: string, operation: object) =>
    call(base, 'PATCH', path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] })
  expect(await next()).toEqual([])
  // The overlap reaches back to before the first cursor: what it still shows is told once, and then no more.
  await next()
  expect(await next()).toEqual([])
  await patch(`/Users/${bob}`, { op: 'replace', path: 'active', value: false })
  expect(await next()).toEqual([bob])
  await patch(`/Groups/${club}`, { op: 'add', path: 'members', value: [{ value: ada, type: 'User' }, { value: eve, type: 'User' }] })
  expect(await next()).toEqual([ada, eve].sort())
  const [zoe] = await seed(base, '/Users', [user(4)])
  expect(await next()).toEqual([zoe])
  expect(await next()).toEqual([])
}, 60_000)

test('a cursor that expired is told as such: the platform begins the walk again', async () => {
  const hasty = await startScim2Server({ cursorTimeoutSeconds: 5 })
  try {
    const base = hasty.tenant('hasty')
    const ids = await seed(base, '/Users', Array.from({ length: 50 }, (_, n) => user(n)))
    const platform = testPlatform()
    const session = await openScim(base, { token, paging: 'cursor', pageSize: 20 }, platform)
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 6_500))
    const once = await readStream(named(session, 'users'), (pages) => (pages === 1 ? pause() : Promise.resolve()))
    expect(once.error).toMatchObject({ name: 'ExpiredCursor', class: 'partial', place: 'Users page 2 (by cursor)' })
    const again = await readStream(named(session, 'users'))
    expect(again.error).toBeNull()
    expect([...again.ids].sort()).toEqual([...ids].sort())
  } finally {
    await hasty.stop()
  }
}, 60_000)
