import type { Client } from 'ldapts'
import { LdapConfig } from '../../../connectors/ldap/config.ts'
import { connector } from '../../../connectors/ldap/connector.ts'
import type { ConnectorSession, Platform } from '../../../src/ports/connector.ts'
import { startSlapd, type Slapd } from '../../services/slapd.ts'
import { startFaultProxy, type FaultProxy } from '../../../src/hostile/fault-proxy.ts'
import { testPlatform } from '../../support/test-platform.ts'

const suffix = 'dc=example,dc=org'
export const person = (uid: string): string => `uid=${uid},ou=people,${suffix}`
export const robot = (name: string): string => `cn=${name},ou=robots,${suffix}`
export const group = (name: string): string => `cn=${name},ou=groups,${suffix}`
export const reader = { dn: `cn=reader,${suffix}`, password: 'reader-password' }

/** The tree, a policy under which a lock counts, and a reader for whom the server's limits hold. */
export async function prepare(client: Client): Promise<void> {
  await client.add(suffix, { objectClass: ['dcObject', 'organization'], o: 'Example', dc: 'example' })
  for (const ou of ['people', 'robots', 'groups']) await client.add(`ou=${ou},${suffix}`, { objectClass: 'organizationalUnit', ou })
  await client.add(`cn=policy,${suffix}`, { objectClass: ['device', 'pwdPolicy'], cn: 'policy', pwdAttribute: 'userPassword', pwdLockout: 'TRUE' })
  await client.add(reader.dn, { objectClass: ['device', 'simpleSecurityObject'], cn: 'reader', userPassword: reader.password })
}

export async function addPerson(client: Client, uid: string, more: Record<string, string | string[]> = {}): Promise<void> {
  await client.add(person(uid), { objectClass: 'inetOrgPerson', uid, cn: `Person ${uid}`, sn: uid, mail: `${uid}@example.org`, ...more })
}

export async function addGroup(client: Client, name: string, members: string[]): Promise<void> {
  await client.add(group(name), { objectClass: 'groupOfNames', cn: name, member: members })
}

export function settings(server: Pick<Slapd, 'url'>, patch: object = {}): object {
  process.env['GRANTLINE_TEST_LDAP_PASSWORD'] = reader.password
  return {
    url: server.url, bindDn: reader.dn, password: 'env:GRANTLINE_TEST_LDAP_PASSWORD', disabled: {},
    accounts: [
      { name: 'people', base: `ou=people,${suffix}` },
      { name: 'robots', base: `ou=robots,${suffix}`, filter: '(objectClass=applicationProcess)', kind: 'service', attributes: {}, owner: 'description' },
    ],
    groups: { base: `ou=groups,${suffix}` },
    ...patch,
  }
}

export async function openLdap(server: Pick<Slapd, 'url'>, patch: object = {}, platform: Platform = testPlatform()): Promise<ConnectorSession> {
  return await connector.open(LdapConfig.parse(settings(server, patch)), platform)
}

/** A server of its own with the tree, which a connector reaches through a proxy only, as the root user. */
export async function behindProxy(): Promise<{ proxy: FaultProxy; root: Client; settings: (patch: object) => object; dispose: () => Promise<void> }> {
  const server = await startSlapd()
  const proxy = await startFaultProxy(server.port)
  const root = await server.connect()
  await prepare(root)
  return {
    proxy,
    root,
    settings: (patch) => settings({ url: `ldap://127.0.0.1:${proxy.port}` }, { ...asRoot(server), ...patch }),
    async dispose() {
      for (const name of ['GRANTLINE_TEST_LDAP_ROOT', 'GRANTLINE_TEST_LDAP_PASSWORD']) Reflect.deleteProperty(process.env, name)
      await root.unbind()
      await proxy.stop()
      await server.stop()
    },
  }
}

/** As the root user, for whom no limit holds. */
export function asRoot(server: Slapd): object {
  process.env['GRANTLINE_TEST_LDAP_ROOT'] = server.root.password
  return { bindDn: server.root.dn, password: 'env:GRANTLINE_TEST_LDAP_ROOT' }
}
