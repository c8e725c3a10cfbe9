import { Attribute, Change, type Client } from 'ldapts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { anotherCookie, breaks, openReal, type RealCase, type RealKit } from '../../src/conformance/real-system.ts'
import { startFaultProxy, type FaultProxy } from '../../src/hostile/fault-proxy.ts'
import { addGroup, addPerson, group, person, prepare, reader, settings } from '../connectors/ldap/directory.ts'
import { startSlapd, type Slapd } from '../services/slapd.ts'
import { Workbench } from './workbench.ts'

/** OpenLDAP through a proxy, whose limit of size is a little more than what it holds. */
const people = Array.from({ length: 60 }, (_, at) => `user${at}`)
const limit = 70

const bench = new Workbench()
let server: Slapd
let proxy: FaultProxy
let root: Client
let real: RealKit

beforeAll(async () => {
  server = await startSlapd([`limits dn.exact="${reader.dn}" size.soft=${limit} size.hard=${limit} size.prtotal=${limit}`])
  proxy = await startFaultProxy(server.port)
  root = await server.connect()
  await prepare(root)
  const app = await configureApp('directory', AppConfig.parse({ connector: 'ldap', with: settings({ url: `ldap://127.0.0.1:${proxy.port}` }, { pageSize: 7, timeoutMs: 4_000 }) }), '.')
  real = await openReal({ name: 'OpenLDAP', app, proxy, reset }, { ...bench.options, env: { GRANTLINE_TEST_LDAP_PASSWORD: reader.password } })
}, 300_000)
afterAll(async () => {
  real.kit.stop()
  await root.unbind()
  await proxy.stop()
  await server.stop()
  bench.dispose()
})

async function reset(): Promise<void> {
  for (const base of ['ou=groups', 'ou=people']) {
    const { searchEntries } = await root.search(`${base},dc=example,dc=org`, { filter: '(!(objectClass=organizationalUnit))', attributes: ['1.1'] })
    for (const { dn } of searchEntries) await root.del(dn)
  }
  for (const uid of people) await addPerson(root, uid)
  await addGroup(root, 'all', people.map(person))
  await addGroup(root, 'inner', people.slice(0, 9).map(person))
  await addGroup(root, 'outer', [group('inner'), person('user20')])
}

const member = (of: string, operation: 'add' | 'delete' | 'replace', ...values: string[]): Promise<void> =>
  root.modify(group(of), new Change({ operation, modification: new Attribute({ type: 'member', values }) }))

const cases: RealCase[] = [
  ...breaks([100, 2_000, 6_000, 11_000]),
  { name: 'no more comes in the middle, and no end', expected: 'partial', plan: [{ kind: 'hang', afterBytes: 5_000 }] },
  { name: 'no answer to the bind, and no end', expected: 'partial', plan: [{ kind: 'hang', afterBytes: 0 }] },
  anotherCookie,
  { name: 'members are spelt in capitals, with spaces', expected: 'exact', harm: () => member('all', 'replace', ...people.map((uid) => person(uid).toUpperCase().replaceAll(',', ' , '))) },
  { name: 'somebody leaves a group while pages are read', expected: 'safe', differs: true, plan: [{ kind: 'meanwhile', afterBytes: 2_000, act: () => member('all', 'delete', person('user50')) }] },
  { name: 'an account is deleted while pages are read', expected: 'safe', differs: true, plan: [{ kind: 'meanwhile', afterBytes: 4_000, act: () => root.del(person('user59')) }] },
  { name: 'an account is made while pages are read', expected: 'safe', differs: true, plan: [{ kind: 'meanwhile', afterBytes: 4_000, act: () => addPerson(root, 'newcomer') }] },
  { name: 'an account is renamed while pages are read', expected: 'safe', differs: true, plan: [{ kind: 'meanwhile', afterBytes: 4_000, act: () => root.modifyDN(person('user58'), person('renamed')) }] },
  { name: 'more entries than the limit of size', expected: 'partial', differs: true, lasting: true, harm: async () => { for (let at = 0; at < 20; at++) await addPerson(root, `more${at}`) } },
  { name: 'groups nest in a circle', expected: 'exact', differs: true, harm: () => member('inner', 'add', group('outer')) },
  { name: 'a group is its own member', expected: 'exact', differs: true, harm: () => member('inner', 'add', group('inner')) },
  { name: 'a member that is nowhere', expected: 'safe', differs: true, harm: () => member('inner', 'add', person('ghost')) },
  { name: 'an account without uid, mail and number', expected: 'exact', differs: true, harm: () => root.add('cn=no uid,ou=people,dc=example,dc=org', { objectClass: 'inetOrgPerson', cn: 'no uid', sn: 'x' }) },
  { name: 'ids that need quoting', expected: 'exact', differs: true, harm: () => root.add('cn=Doe\\, Jane \\+ \\"x\\" é,ou=people,dc=example,dc=org', { objectClass: 'inetOrgPerson', cn: 'Doe, Jane + "x" é', sn: 'Doe' }) },
  { name: 'everything is deleted', expected: 'exact', differs: true, harm: async () => { for (const name of ['all', 'inner', 'outer']) await root.del(group(name)); for (const uid of people) await root.del(person(uid)) } },
  // An entry that refers elsewhere is not deleted by its name: the last one.
  { name: 'a part of the tree is on another server', expected: 'partial', differs: true, lasting: true, harm: () => root.add('ou=abroad,ou=people,dc=example,dc=org', { objectClass: ['referral', 'extensibleObject'], ou: 'abroad', ref: 'ldap://other.example.org/ou=people,dc=example,dc=org' }) },
]

it('is read whole where nothing goes wrong', () => {
  expect([...real.kit.honest.accounts.keys()].sort()).toEqual(people.map(person).sort())
})

it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
  const { wrong, said } = await real.run(one)
  expect(wrong, `the run said: ${said}`).toEqual([])
})
