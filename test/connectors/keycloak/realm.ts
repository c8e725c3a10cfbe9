import { randomBytes } from 'node:crypto'
import { KeycloakConfig } from '../../../connectors/keycloak/config.ts'
import { connector } from '../../../connectors/keycloak/connector.ts'
import type { ConnectorSession, Platform } from '../../../src/ports/connector.ts'
import type { Keycloak } from '../../services/keycloak.ts'
import { testPlatform } from '../../support/test-platform.ts'

export const readerSecret = 'secret-of-the-reader'
export const robotSecret = 'secret-of-the-robot'
/** Of its own choice a realm makes two RSA keys, which costs the server seconds; nobody here looks into a token. */
const keys = {
  defaultSignatureAlgorithm: 'ES256',
  components: {
    'org.keycloak.keys.KeyProvider': [
      { name: 'signatures', providerId: 'ecdsa-generated', config: { ecdsaEllipticCurveKey: ['P-256'] } },
      { name: 'sums', providerId: 'hmac-generated', config: { algorithm: ['HS512'] } },
      { name: 'secrets', providerId: 'aes-generated', config: {} },
    ],
  },
}
const may = ['view-realm', 'view-users', 'view-clients', 'view-events', 'manage-users', 'manage-clients']

export const someone = (username: string, more: object = {}): object => ({
  username, enabled: true, email: `${username}@example.org`, firstName: 'Some', lastName: username, ...more,
})

/** A realm of its own with a client that may read and write, a robot, nested groups and composite roles; its name. */
export async function makeRealm(keycloak: Keycloak, users: object[], more: object = {}): Promise<string> {
  const realm = `t-${randomBytes(6).toString('hex')}`
  await keycloak.call('POST', '', {
    realm, enabled: true, adminEventsEnabled: true, ...keys,
    roles: {
      realm: [{ name: 'clerk' }, { name: 'head', composite: true, composites: { realm: ['clerk'], client: { billing: ['approve'] } } }],
      client: { billing: [{ name: 'approve' }, { name: 'read' }] },
    },
    clients: [
      { clientId: 'billing', publicClient: false, secret: 'unused', attributes: { team: 'billing' } },
      { clientId: 'Robot', serviceAccountsEnabled: true, publicClient: false, secret: robotSecret, attributes: { team: 'ada@example.org' } },
      { clientId: 'grantline', serviceAccountsEnabled: true, publicClient: false, secret: readerSecret },
    ],
    groups: [{ name: 'sales', realmRoles: ['clerk'], subGroups: [{ name: 'emea', clientRoles: { billing: ['read'] } }] }],
    users: [
      ...users,
      { username: 'service-account-grantline', enabled: true, serviceAccountClientId: 'grantline', clientRoles: { 'realm-management': may } },
      { username: 'service-account-robot', enabled: true, serviceAccountClientId: 'Robot', realmRoles: ['clerk'] },
    ],
    ...more,
  })
  return realm
}

export function settings(keycloak: Pick<Keycloak, 'baseUrl'>, realm: string, patch: object = {}): object {
  process.env['GRANTLINE_TEST_KEYCLOAK'] = readerSecret
  return {
    baseUrl: keycloak.baseUrl, realm, ownerAttribute: 'team',
    reader: { grant: 'client-credentials', clientId: 'grantline', clientSecret: 'env:GRANTLINE_TEST_KEYCLOAK' },
    ...patch,
  }
}

export async function openKeycloak(keycloak: Pick<Keycloak, 'baseUrl'>, realm: string, patch: object = {}, platform: Platform = testPlatform()): Promise<ConnectorSession> {
  return await connector.open(KeycloakConfig.parse(settings(keycloak, realm, patch)), platform)
}

export async function idsOf(keycloak: Keycloak, realm: string): Promise<ReadonlyMap<string, string>> {
  const users = (await keycloak.call('GET', `/${realm}/users?first=0&max=10000`)) as { id: string; username: string }[]
  const clients = (await keycloak.call('GET', `/${realm}/clients`)) as { id: string; serviceAccountsEnabled: boolean }[]
  const services = await Promise.all(clients.filter((client) => client.serviceAccountsEnabled)
    .map(async ({ id }) => (await keycloak.call('GET', `/${realm}/clients/${id}/service-account-user`)) as { id: string; username: string }))
  return new Map([...users, ...services].map(({ id, username }) => [username, id]))
}

/** Whether a client gets a token with this secret. */
export async function logsIn(keycloak: Pick<Keycloak, 'baseUrl'>, realm: string, clientId: string, secret: string): Promise<boolean> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret })
  return (await fetch(`${keycloak.baseUrl}/realms/${realm}/protocol/openid-connect/token`, { method: 'POST', body })).ok
}
