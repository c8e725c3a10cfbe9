import type { Client } from 'ldapts'
import { Attribute, Change } from 'ldapts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connector } from '../../../connectors/ldap/connector.ts'
import { connectorContract } from '../../contract/connector.ts'
import { startSlapd, type Slapd } from '../../services/slapd.ts'
import { containing, named, ofPiece, readStream } from '../../support/reading.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { addGroup, addPerson, asRoot, group, openLdap, person, prepare, robot, settings } from './directory.ts'

const replace = (type: string, ...values: string[]): Change => new Change({ operation: 'replace', modification: new Attribute({ type, values }) })

connectorContract(connector, async () => {
  const server = await startSlapd()
  const root = await server.connect()
  await prepare(root)
  for (const uid of ['ada', 'bob', 'eve']) await addPerson(root, uid, uid === 'ada' ? { userPassword: 'ada-password' } : {})
  await root.add(robot('backup'), { objectClass: 'applicationProcess', cn: 'backup', description: 'ada@example.org' })
  await addGroup(root, 'staff', [person('ada'), person('bob')])
  await addGroup(root, 'everybody', [group('staff'), robot('backup')])
  return {
    with: settings(server, { pageSize: 2 }),
    platform: testPlatform(),
    accounts: [person('ada'), person('bob'), person('eve'), robot('backup')],
    absent: person('nobody'),
    change: async () => {
      await root.modify(person('bob'), replace('sn', 'changed'))
      return person('bob')
    },
    dispose: async () => {
      await root.unbind()
      await server.stop()
    },
  }
})

describe('1,200 people in a directory of 2.5 with its own limit of 500', () => {
  let server: Slapd
  let root: Client
  beforeAll(async () => {
    server = await startSlapd()
    root = await server.connect()
    await prepare(root)
    for (let n = 0; n < 1200; n++) await addPerson(root, `u${n}`)
    await addGroup(root, 'large', Array.from({ length: 1200 }, (_, n) => person(`u${n}`)))
    await addGroup(root, 'inner', [person('u1').toUpperCase()])
    await addGroup(root, 'middle', [`CN=Inner, OU=groups, dc=example, dc=org`, person('u2')])
    await addGroup(root, 'outer', [group('middle')])
    return async () => {
      await root.unbind()
      await server.stop()
    }
  }, 120_000)

  test.each([{ pageSize: 200 }, { pageSize: 500 }, { pageSize: 1000 }])('the limit is a loss with its place, for pages of %o too', async (paging) => {
    const session = await openLdap(server, paging)
    const { pieces, error } = await readStream(named(session, 'people'))
    expect(ofPiece(pieces, 'account')).toHaveLength(500)
    expect(error).toMatchObject({ class: 'partial', message: containing('size limit'), place: containing('people page') })
    await session.close()
  })

  test('a reader without a limit gets all of them, each once', async () => {
    const session = await openLdap(server, { ...asRoot(server), pageSize: 300 })
    const { pieces, pages, error } = await readStream(named(session, 'people'))
    expect(error).toBeNull()
    expect(new Set(ofPiece(pieces, 'account').map(({ id }) => id)).size).toBe(1200)
    expect(pages.map(({ start }) => start)).toEqual([0, 300, 600, 900])
    await session.close()
  })

  test('groups in groups are definitions, told from accounts whatever the spelling of their names', async () => {
    const session = await openLdap(server)
    const definitions = await readStream(named(session, 'groups'))
    const { pieces, error } = await readStream(named(session, 'members of groups'))
    expect([definitions.error, error]).toEqual([null, null])
    expect(ofPiece(pieces, 'child')).toEqual([
      { piece: 'child', parent: { kind: 'group', id: group('inner') }, child: { kind: 'group', id: group('middle') } },
      { piece: 'child', parent: { kind: 'group', id: group('middle') }, child: { kind: 'group', id: group('outer') } },
    ])
    const members = ofPiece(pieces, 'membership')
    expect(members.filter(({ ref }) => ref.id === group('large'))).toHaveLength(1200)
    expect(members.filter(({ ref }) => ref.id !== group('large')).map(({ account, ref }) => [account, ref.id])).toEqual([
      [person('u1'), group('inner')], [person('u2'), group('middle')],
    ])
    await session.close()
  })

  test('members are told from groups after a first walk that was given up', async () => {
    const session = await openLdap(server, { pageSize: 2 })
    for await (const page of named(session, 'groups').pages()) {
      expect(page.rows).toHaveLength(2)
      break
    }
    const { pieces, error } = await readStream(named(session, 'members of groups'))
    expect(error).toBeNull()
    expect(ofPiece(pieces, 'child')).toHaveLength(2)
    await session.close()
  })

  test('an account is locked as the directory locks it; a single read shows its groups', async () => {
    await root.modify(person('u3'), replace('pwdAccountLockedTime', '000001010000Z'))
    const session = await openLdap(server)
    const pieces = (await session.readOne?.(person('U3').replace(',', ' , '))) ?? []
    expect(ofPiece(pieces, 'account')[0]?.attributes.status).toBe('disabled')
    expect(ofPiece(pieces, 'membership').map(({ ref }) => ref.id)).toEqual([group('large')])
    expect(await session.readOne?.('uid=u3,ou=elsewhere,dc=example,dc=org')).toBeNull()
    expect(await session.readOne?.('not a name at all')).toBeNull()
    await session.close()
  })

  test('absence without a control is no proof', async () => {
    const session = await openLdap(server, { accounts: [{ name: 'robots', base: 'ou=robots,dc=example,dc=org', filter: '(objectClass=applicationProcess)' }] })
    await expect(session.readOne?.(robot('none'))).rejects.toMatchObject({ class: 'partial', message: containing('not proven') })
    await session.close()
  })

  test('a part of the tree on another server is a loss that names it', async () => {
    await root.add('ou=abroad,ou=people,dc=example,dc=org', {
      objectClass: ['referral', 'extensibleObject'], ou: 'abroad', ref: 'ldap://other.example.org/ou=people,dc=example,dc=org',
    })
    const session = await openLdap(server, asRoot(server))
    const { error, pieces } = await readStream(named(session, 'people'))
    expect(ofPiece(pieces, 'account').length).toBeGreaterThan(0)
    expect(error).toMatchObject({ class: 'partial', message: containing('other.example.org') })
    await session.close()
  })

  test('changes: who was modified and who is in a group that was, each told once, and nothing younger than the lag is passed', async () => {
    const session = await openLdap(server, { ...asRoot(server), accounts: [{ name: 'people', base: 'ou=people,dc=example,dc=org' }], visibilityLagMs: 5000 })
    const changes = session.changes
    if (changes === undefined) throw new Error('changes are not offered')
    let { cursor } = await changes(null)
    const next = async (): Promise<string[]> => {
      const answer = await changes(cursor)
      cursor = answer.cursor
      expect((JSON.parse(cursor) as { since: number }).since).toBeLessThanOrEqual(Date.now() - 5000)
      return answer.accounts.sort()
    }
    expect(await next()).toEqual([])
    await root.modify(person('u5'), replace('sn', 'new'))
    await root.modify(group('middle'), new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [person('u6')] }) }))
    expect(await next()).toEqual([person('u2'), person('u5'), person('u6'), group('inner')].sort())
    expect(await next()).toEqual([])
    await session.close()
  })

  test('a wrong password is told as such and not repeated; an unreachable server is no empty one', async () => {
    process.env['GRANTLINE_TEST_LDAP_WRONG'] = 'wrong-password'
    await expect(openLdap(server, { password: 'env:GRANTLINE_TEST_LDAP_WRONG' })).rejects.toMatchObject({ class: 'authentication' })
    await expect(openLdap(server, { password: 'env:GRANTLINE_TEST_LDAP_WRONG' })).rejects.not.toThrow(/wrong-password/)
    await expect(openLdap({ url: 'ldap://127.0.0.1:1' })).rejects.toMatchObject({ class: 'transient' })
    delete process.env['GRANTLINE_TEST_LDAP_WRONG']
  })
})

test('an administrative limit is a loss', async () => {
  const server = await startSlapd(['limits users size.unchecked=100 size=unlimited'])
  const root = await server.connect()
  await prepare(root)
  for (let n = 0; n < 120; n++) await addPerson(root, `u${n}`)
  const session = await openLdap(server)
  const { error } = await readStream(named(session, 'people'))
  expect(error).toMatchObject({ class: 'partial', message: containing('administrative limit') })
  await session.close()
  await root.unbind()
  await server.stop()
}, 60_000)

afterAll(() => {
  delete process.env['GRANTLINE_TEST_LDAP_PASSWORD']
  delete process.env['GRANTLINE_TEST_LDAP_ROOT']
})
