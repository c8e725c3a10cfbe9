import { type Answer, type Asked, type Dialect, json, type ListName } from './exchange.ts'
import { type Assigned, clientIdOf, Realm, realmName, roleRow, userRow } from './keycloak-realm.ts'
import { keycloakWriteAnswer, sessionsOf } from './keycloak-writes.ts'
import { hostileToken } from './rest-dialect.ts'
import type { World } from './world.ts'

const root = `/admin/realms/${realmName}`
/** what it gives where nobody says how many */
const defaultRows = 100
/** of the first admin event; each later one comes a second after the one before, ms */
const firstEventAt = Date.UTC(2026, 0, 1)

/**
 * The admin API of a Keycloak realm over a world, behind a token that the client's secret gets (OAuth2 client credentials). Lists are paged by
 * `first` and `max`; users are counted by an answer of its own, role holders and members of groups by none. Admin events tell who changed. What it writes
 * is in keycloak-writes.ts.
 */
export function keycloakDialect(world: () => World, assigned: Assigned): Dialect {
  return {
    name: `keycloak, ${assigned}`,
    shape: { rows: null, total: 'alone', next: null, id: 'id', name: 'username', change: { field: 'resourcePath', of: (user) => `users/${user}` } },
    listOf,
    isCount: (url) => partsOf(url)?.[1] === 'count',
    answer: (asked) => answer(asked, world(), assigned),
  }
}

const partsOf = (url: URL): string[] | null => (url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length + 1).split('/').map(decodeURIComponent) : null)

/** What an account holds is asked apart from it. */
function listOf(url: URL, method: string): ListName | null {
  const parts = partsOf(url)
  if (parts === null) return null
  if (method !== 'GET') return 'writes'
  const [kind, id, part] = parts
  if (kind === 'users') return id === undefined || id === 'count' ? 'users' : part === undefined ? 'one' : part === 'groups' || part === 'role-mappings' ? 'groups' : null
  if (kind === 'groups') return part === 'members' ? 'members' : 'groups'
  if ((kind === 'roles' || kind === 'clients') && parts.at(-1) === 'users') return 'members'
  return kind === 'admin-events' ? 'changes' : null
}

function answer(asked: Asked, world: World, assigned: Assigned): Answer {
  const { url, method, headers, body } = asked
  if (url.pathname === `/realms/${realmName}/protocol/openid-connect/token` && method === 'POST') return token(new URLSearchParams(body))
  if (headers['authorization'] !== `Bearer ${hostileToken}`) return json({ error: 'HTTP 401 Unauthorized' }, 401)
  const parts = partsOf(url)
  if (parts === null) return json({ error: 'Realm not found.' }, 404)
  if (method !== 'GET') return keycloakWriteAnswer(asked, world, parts)
  const realm = new Realm(world.shown, assigned)
  const found = read(realm, parts, url, world)
  return found === null ? json({ error: 'Could not find it' }, 404) : json(found)
}

const token = (form: URLSearchParams): Answer =>
  form.get('grant_type') === 'client_credentials' && form.get('client_secret') === hostileToken
    ? json({ access_token: hostileToken, token_type: 'Bearer', expires_in: 3_600, refresh_expires_in: 0 })
    : json({ error: 'unauthorized_client', error_description: 'Invalid client or Invalid client credentials' }, 401)

/** Null where there is no such thing. */
function read(realm: Realm, [kind, ...rest]: string[], url: URL, world: World): unknown {
  switch (kind) {
    case 'users':
      return users(realm, rest, url, world)
    case 'groups':
      return groups(realm, rest, url)
    case 'roles':
      return roles(realm, rest, url)
    case 'roles-by-id':
      return realm.compositesOf((rest[0] ?? '').replace(/^role:/, '')).map(roleRow)
    case 'clients':
      return clients(realm, rest, url)
    case 'admin-events':
      return events(world.shown, url)
    case 'events':
      return { adminEventsEnabled: true }
    default:
      return null
  }
}

function users(realm: Realm, [id, part]: string[], url: URL, world: World): unknown {
  const username = url.searchParams.get('username')
  if (id === undefined) return page(username === null ? realm.persons : realm.persons.filter((user) => userRow(user)['username'] === username.toLowerCase()), url, userRow)
  if (id === 'count') return realm.persons.length
  const user = realm.user(id)
  if (user === undefined) return null
  if (part === undefined) return userRow(user)
  if (part === 'groups') return realm.groupsOf(id).map((group) => realm.groupRow(group, true))
  if (part === 'role-mappings') return { realmMappings: realm.rolesOf(id).map(roleRow) }
  return part === 'sessions' ? sessionsOf(world, id) : null
}

function groups(realm: Realm, [id, part]: string[], url: URL): unknown {
  const brief = url.searchParams.get('briefRepresentation') !== 'false'
  if (id === 'count') return { count: realm.groupCount }
  if (id === undefined) return page(realm.groupsIn(null), url, (group) => realm.groupRow(group, brief), Infinity)
  const group = realm.group(id)
  if (group === undefined) return null
  if (part === undefined) return realm.groupRow(group, false)
  if (part === 'children') return page(realm.groupsIn(id), url, (child) => realm.groupRow(child, brief))
  return part === 'members' ? page(group.members, url, (member) => holderRow(realm, member)) : null
}

function roles(realm: Realm, [name, part]: string[], url: URL): unknown {
  if (name === undefined) return realm.realmRoles().map(roleRow)
  const role = realm.realmRole(name)
  if (role === undefined) return null
  return part === 'users' ? page(realm.holdersOf(name), url, (holder) => holderRow(realm, holder)) : roleRow(role)
}

function clients(realm: Realm, [id, part, role]: string[], url: URL): unknown {
  const rows = realm.clientRows()
  const wanted = url.searchParams.get('clientId')
  const matches = (clientId: unknown): boolean => wanted === null || (url.searchParams.get('search') === 'true' ? String(clientId).toLowerCase().includes(wanted.toLowerCase()) : clientId === wanted)
  if (id === undefined) return page(rows.filter(({ clientId }) => matches(clientId)), url, (row) => row, Infinity)
  const client = rows.find((row) => row['id'] === id)
  if (client === undefined) return null
  if (part === 'roles') return role === undefined ? realm.clientRoles(id).map(roleRow) : []
  const robot = realm.user(String(client['clientId']))
  return part === 'service-account-user' && robot !== undefined && clientIdOf(robot.id) === id ? userRow(robot) : null
}

/** A member that is no user is shown all the same. */
const holderRow = (realm: Realm, id: string): Record<string, unknown> => {
  const user = realm.user(id)
  return user === undefined ? { id, username: id } : userRow(user)
}

/** Newest first; the first of all is about the realm itself. */
function events({ changes, users: known }: World, url: URL): unknown {
  const from = Number(url.searchParams.get('dateFrom') ?? '0')
  const own = { id: 'event', time: firstEventAt, realmId: realmName, operationType: 'UPDATE', resourceType: 'REALM' }
  const all = [own, ...changes.map((user, at) => ({
    id: `event-${at}`, time: firstEventAt + (at + 1) * 1_000, realmId: realmName, operationType: known.has(user) ? 'UPDATE' : 'DELETE', resourceType: 'USER', resourcePath: `users/${user}`,
  }))]
  return page(all.filter(({ time }) => time >= from).reverse(), url, (event) => event)
}

function page<T>(rows: readonly T[], url: URL, row: (of: T) => unknown, otherwise = defaultRows): unknown[] {
  const first = Number(url.searchParams.get('first') ?? '0')
  return rows.slice(first, first + Number(url.searchParams.get('max') ?? otherwise)).map(row)
}
