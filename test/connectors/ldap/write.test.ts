import { afterAll, describe, expect, test } from 'vitest'
import { connector } from '../../../connectors/ldap/connector.ts'
import { operation, writeContract } from '../../contract/write-side.ts'
import { startSlapd, type Slapd } from '../../services/slapd.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { addGroup, addPerson, asRoot, group, openLdap, person, prepare, settings } from './directory.ts'

afterAll(() => {
  delete process.env['GRANTLINE_TEST_LDAP_PASSWORD']
  delete process.env['GRANTLINE_TEST_LDAP_ROOT']
})

const nobody = 'cn=nobody,dc=example,dc=org'
const writable = {
  accounts: [{ name: 'people', base: 'ou=people,dc=example,dc=org', create: {} }],
  groups: { base: 'ou=groups,dc=example,dc=org', placeholder: nobody },
}

async function reads(server: Slapd) {
  const root = await server.connect()
  return {
    root,
    isMember: async (of: string, dn: string): Promise<boolean> => {
      const { searchEntries } = await root.search(group(of), { scope: 'base', filter: `(member=${dn})` })
      return searchEntries.length === 1
    },
    exists: async (dn: string): Promise<boolean> => {
      return await root.search(dn, { scope: 'base' }).then(({ searchEntries }) => searchEntries.length === 1, () => false)
    },
    mayLogIn: async (uid: string): Promise<boolean> => {
      return await server.connect(person(uid), `${uid}-password`).then((client) => client.unbind().then(() => true), () => false)
    },
  }
}

writeContract(connector, async () => {
  const server = await startSlapd()
  const { root, isMember, exists, mayLogIn } = await reads(server)
  await prepare(root)
  for (const uid of ['ada', 'bob']) await addPerson(root, uid, { userPassword: `${uid}-password` })
  await addGroup(root, 'staff', [person('bob')])
  await addGroup(root, 'alone', [person('bob')])
  const staff = { kind: 'group', id: group('staff') } as const
  const staffEntitlement = { kind: 'entitlement', id: `group:${group('staff')}` } as const
  const alone = { kind: 'group', id: group('alone') } as const
  return {
    with: settings(server, { ...asRoot(server), ...writable }),
    platform: testPlatform(),
    cases: [
      { operation: operation('grant', person('ada'), { ref: staff }), holds: () => isMember('staff', person('ada')) },
      { operation: operation('revoke', person('ada').replace('uid=ada', 'UID=Ada'), { ref: staffEntitlement }), holds: async () => !(await isMember('staff', person('ada'))) },
      { operation: operation('grant', person('ada'), { ref: staffEntitlement }), holds: () => isMember('staff', person('ada')) },
      { operation: operation('revoke', person('bob'), { ref: alone }), holds: async () => !(await isMember('alone', person('bob'))) },
      { operation: operation('disable-account', person('ada')), holds: async () => !(await mayLogIn('ada')) },
      { operation: operation('enable-account', person('ada')), holds: () => mayLogIn('ada') },
      { operation: operation('create-account', person('new'), { attributes: { uid: 'new', cn: 'New', sn: 'One' } }), holds: () => exists(person('new')) },
      { operation: operation('delete-account', person('ada')), holds: async () => !(await exists(person('ada'))) && !(await isMember('staff', person('ada'))) },
    ],
    refused: [
      operation('grant', person('bob'), { ref: { kind: 'group', id: group('none') } }),
      operation('grant', person('bob'), { ref: { kind: 'group', id: 'cn=admins,dc=elsewhere' } }),
      operation('grant', person('bob'), { ref: { kind: 'role', id: 'clerk' } }),
      operation('disable-account', person('absent')),
      operation('delete-account', 'cn=reader,dc=example,dc=org'),
      operation('create-account', person('incomplete')),
    ],
    bystanders: async () => (await root.search('dc=example,dc=org', { filter: '(|(uid=bob)(cn=reader)(ou=*))', attributes: ['*', 'modifyTimestamp', 'pwdAccountLockedTime'] })).searchEntries
      .sort((a, b) => (a.dn < b.dn ? -1 : 1)),
    dispose: async () => {
      await root.unbind()
      await server.stop()
    },
  }
})

describe('at the edges', () => {
  test('the last member of a group that may not be empty is refused without a placeholder, and a reader may not write', async () => {
    const server = await startSlapd()
    const { root, isMember } = await reads(server)
    await prepare(root)
    await addPerson(root, 'bob')
    await addGroup(root, 'alone', [person('bob')])
    const asked = operation('revoke', person('bob'), { ref: { kind: 'group', id: group('alone') } })
    for (const [patch, errorClass] of [[asRoot(server), 'conflict'], [{}, 'permission']] as const) {
      const session = await openLdap(server, patch)
      await expect(session.write?.ensure(asked, 'revoke', 'key')).rejects.toMatchObject({ class: errorClass })
      await session.close()
    }
    expect(await isMember('alone', person('bob'))).toBe(true)
    await root.unbind()
    await server.stop()
  }, 60_000)
})
