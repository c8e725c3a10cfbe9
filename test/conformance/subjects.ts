import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import type { Subject } from '../../src/conformance/kit.ts'
import type { Trait } from '../../src/conformance/scenario.ts'
import type { WriteSubject } from '../../src/conformance/write-kit.ts'
import type { AppSource } from '../../src/connect/app-reader.ts'
import type { Dialect } from '../../src/hostile/exchange.ts'
import { keycloakDialect } from '../../src/hostile/keycloak-dialect.ts'
import { realmName, type Assigned } from '../../src/hostile/keycloak-realm.ts'
import type { RestStyle } from '../../src/hostile/names.ts'
import { hostileToken, restDialect } from '../../src/hostile/rest-dialect.ts'
import { scimDialect } from '../../src/hostile/scim-dialect.ts'
import { startHostile } from '../../src/hostile/server.ts'
import { World } from '../../src/hostile/world.ts'

export const env = { HOSTILE_TOKEN: hostileToken }
const size = 23

export interface Served {
  name: string
  dialect: (world: () => World) => Dialect
  /** settings as a config file has them; `url`: of the application */
  app: (url: string) => object
  traits: readonly Trait[]
  /** what the connector calls a group of the corpus */
  called?: WriteSubject['called']
  /** another connector instead of the configured one */
  wrap?: (app: AppSource) => AppSource
}

export interface ServedSubject extends Subject {
  url: string
  world: () => World
  writes: WriteSubject
}

/** A real HTTP server over a corpus, and the connector configured for it. */
export async function serve({ name, dialect, app, traits, called, wrap = (source) => source }: Served): Promise<ServedSubject> {
  let world = World.corpus(size)
  const server = await startHostile(dialect(() => world))
  const source = wrap(await configureApp('app', AppConfig.parse(app(server.url)), '.'))
  return {
    name,
    url: server.url,
    world: () => world,
    traits: new Set(traits),
    app: source,
    writes: {
      name,
      app: source,
      ...(called !== undefined && { called }),
      reset: () => (world = World.corpus(size)),
      arm: (faults) => server.arm(faults),
      unanswered: () => server.unanswered,
    },
    arm(make) {
      world = World.corpus(size)
      const faults = make(world)
      server.arm(faults)
      return faults
    },
    heal: () => server.arm([]),
    stop: () => server.stop(),
  }
}

const paging: Record<RestStyle, object> = {
  offset: { by: 'offset' },
  index: { by: 'index', start: 'offset', count: 'limit' },
  page: { by: 'page', count: 'limit' },
  cursor: { by: 'cursor', cursor: 'at' },
  link: { by: 'link', count: 'limit' },
  url: { by: 'url', count: 'limit' },
  key: { by: 'key', order: 'text' },
  once: { by: 'once', whole: true },
}
const common: Trait[] = ['http', 'total', 'world', 'names', 'own-lists', 'own-totals']
const traitsOf: Record<RestStyle, Trait[]> = {
  offset: ['pages', 'position'], index: ['pages', 'position'], page: ['pages', 'position'],
  cursor: ['pages', 'chain', 'expiry'], link: ['pages', 'chain', 'expiry'], url: ['pages', 'chain', 'expiry'], key: ['pages'], once: [],
}

const list = (path: string, style: RestStyle): object => ({
  path, rows: 'body.items', total: 'body.?total', ...((style === 'cursor' || style === 'url') && { next: 'body.?next' }),
  ...(traitsOf[style].includes('expiry') && { expired: 'status == 410' }),
})

export const restSettings = (url: string, style: RestStyle): object => ({
  baseUrl: `${url}/admin`,
  auth: { kind: 'bearer', token: 'env:HOSTILE_TOKEN' },
  paging: paging[style],
  pageSize: 5,
  streams: [
    {
      name: 'groups', ...list('/groups', style),
      map: [
        { piece: 'definition', id: 'row.id', name: 'row.name' },
        { piece: 'child', for: 'row.permissions', parent: 'row.id', child: 'item' },
        { piece: 'child', for: 'row.subgroups', parent: 'item', childKind: 'group', child: 'row.id' },
      ],
    },
    {
      name: 'users', ...list('/users', style),
      map: [
        {
          piece: 'account', id: 'row.id', display: 'row.name', status: 'row.active', kind: 'row.kind == "robot" ? "service" : "human"', created: 'row.created', owner: 'row.owner',
          values: { mail: 'row.mail' },
        },
        { piece: 'credential', for: 'row.keys', account: 'row.id', id: 'item.id', created: 'item.created', expires: 'item.expires' },
      ],
    },
    {
      name: 'members', ...list('/groups/${parent}/members', style), each: { of: 'groups', key: 'row.id' }, ...(style === 'key' && { id: 'row.id' }),
      map: [{ piece: 'membership', account: 'row.id', id: 'parent' }],
    },
  ],
  one: [{ path: '/users/${id}', like: 'users', paging: { by: 'once', whole: true }, map: [{ piece: 'membership', for: 'row.groups', account: 'row.id', id: 'item' }] }],
  changes: { path: '/changes', query: { after: '${cursor}' }, paging: { by: 'once', whole: true }, rows: 'body.items', accounts: 'row.user', cursor: 'body.last', expired: 'status == 410' },
})

export const restServed = (style: RestStyle): Served => ({
  name: `rest by ${style}`,
  dialect: (world) => restDialect(world, style),
  app: (url) => ({ connector: 'rest', with: restSettings(url, style) }),
  traits: [...common, ...traitsOf[style]],
})

export const scimServed = (by: 'index' | 'cursor'): Served => ({
  name: `scim by ${by}`,
  dialect: (world) => scimDialect(world, by),
  app: (url) => ({
    connector: 'scim',
    with: { baseUrl: `${url}/scim`, token: 'env:HOSTILE_TOKEN', paging: by, pageSize: 5, changes: 'off', users: { kind: { attribute: 'userType', values: { robot: 'service', person: 'human' } } } },
  }),
  traits: ['http', 'pages', 'total', 'world', by === 'cursor' ? 'chain' : 'position'],
})

export const keycloakServed = (assigned: Assigned = 'groups'): Served => ({
  name: `keycloak, ${assigned}`,
  dialect: (world) => keycloakDialect(world, assigned),
  app: (url) => ({
    connector: 'keycloak',
    with: { baseUrl: url, realm: realmName, reader: { grant: 'client-credentials', clientId: 'grantline', clientSecret: 'env:HOSTILE_TOKEN' }, ownerAttribute: 'team', pageSize: 5 },
  }),
  traits: ['http', 'pages', 'total', 'position', 'world', 'names', 'own-lists', 'renewable'],
  called: (group) => (assigned === 'groups' ? { kind: 'group', id: `/${group}` } : { kind: 'role', id: `role:${group}` }),
})

/** Its faults concern other lists than that of its users. */
export const keycloakAside = (name: string, isMeant: (path: string) => boolean): Served => {
  const served = keycloakServed()
  return {
    ...served, name: `keycloak, ${name}`, traits: ['http', 'pages', 'renewable'],
    dialect: (world) => ({ ...served.dialect(world), listOf: (url, method) => (method === 'GET' && isMeant(url.pathname) ? 'users' : null) }),
  }
}

/** The same API behind OAuth2 client credentials. */
export const oauthServed = (): Served => {
  const plain = restServed('offset')
  const auth = (url: string): object => ({ kind: 'oauth2', tokenUrl: `${url}/token`, clientId: 'grantline', clientSecret: 'env:HOSTILE_TOKEN' })
  return {
    ...plain,
    name: 'rest by offset, OAuth2',
    app: (url) => ({ connector: 'rest', with: { ...restSettings(url, 'offset'), auth: auth(url) } }),
    traits: [...plain.traits, 'renewable'],
  }
}
