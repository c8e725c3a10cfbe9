import { type Answer, type Asked, type Dialect, json, type ListName } from './exchange.ts'
import { hostileToken } from './rest-dialect.ts'
import type { User, World } from './world.ts'

const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'

/** A SCIM 2.0 service over a world, by index or by cursor (RFC 9865), without filters. */
export function scimDialect(world: () => World, paging: 'index' | 'cursor'): Dialect {
  return {
    name: `scim by ${paging}`,
    shape: { rows: 'Resources', total: 'totalResults', next: paging === 'cursor' ? 'nextCursor' : null, id: 'id', name: 'userName' },
    listOf,
    answer: (asked) => answer(asked, world(), paging),
  }
}

function listOf(url: URL, method: string): ListName | null {
  if (method !== 'GET') return null
  if (url.pathname === '/scim/Users') return 'users'
  return url.pathname === '/scim/Groups' ? 'groups' : null
}

function answer({ url, headers }: Asked, world: World, paging: 'index' | 'cursor'): Answer {
  if (headers['authorization'] !== `Bearer ${hostileToken}`) return problem(401)
  const [, , kind, id] = url.pathname.split('/').map(decodeURIComponent)
  if (url.searchParams.has('filter')) return problem(400, 'invalidFilter')
  if (kind === 'Users') {
    if (id === undefined) return page([...world.users.values()].map(userResource), url, paging)
    const user = world.users.get(id)
    return user === undefined ? problem(404) : json(userResource(user))
  }
  if (kind === 'Groups' && id === undefined) return page(groupResources(world), url, paging)
  return problem(404)
}

const problem = (status: number, scimType?: string): Answer =>
  json({ schemas: [errorSchema], status: String(status), ...(scimType !== undefined && { scimType }) }, status)

const userResource = (user: User): object => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  id: user.id,
  userName: user.id,
  displayName: user.name,
  userType: user.kind,
  active: user.active,
  emails: [{ value: user.mail, primary: true }],
  meta: { resourceType: 'User', created: user.created },
})

const groupResources = (world: World): object[] =>
  [...world.groups.values()].map(({ id, name, members, subgroups }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    id,
    displayName: name,
    members: [...members.map((value) => ({ value, type: 'User' })), ...subgroups.map((value) => ({ value, type: 'Group' }))],
  }))

function page(rows: readonly object[], url: URL, paging: 'index' | 'cursor'): Answer {
  const count = Number(url.searchParams.get('count') ?? '100')
  const cursor = url.searchParams.get('cursor')
  const total = rows.length
  if (paging === 'cursor' && cursor !== null) {
    const rest = rows.filter((row) => idOf(row) > cursor).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
    const part = rest.slice(0, count)
    const following = rest.length > count ? { nextCursor: idOf(part.at(-1)!) } : {}
    return json({ schemas: [listSchema], totalResults: total, itemsPerPage: count, Resources: part, ...following })
  }
  const startIndex = Math.max(1, Number(url.searchParams.get('startIndex') ?? '1'))
  return json({ schemas: [listSchema], totalResults: total, itemsPerPage: count, startIndex, Resources: rows.slice(startIndex - 1, startIndex - 1 + count) })
}

const idOf = (row: object): string => (row as { id: string }).id
