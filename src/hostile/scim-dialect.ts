import { type Answer, type Asked, type Dialect, json, type ListName } from './exchange.ts'
import { hostileToken } from './rest-dialect.ts'
import { versionOf } from './rest-writes.ts'
import { problem, scimWriteAnswer } from './scim-writes.ts'
import { idsAfter, type Table } from './table.ts'
import type { Group, User, World } from './world.ts'

const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

/** A SCIM 2.0 service over a world, by index or by cursor (RFC 9865), that filters by the name of users only. What it writes is in scim-writes.ts. */
export function scimDialect(world: () => World, paging: 'index' | 'cursor'): Dialect {
  return {
    name: `scim by ${paging}`,
    shape: { rows: 'Resources', total: 'totalResults', next: paging === 'cursor' ? 'nextCursor' : null, id: 'id', name: 'userName' },
    listOf,
    answer: (asked) => answer(asked, world(), paging),
  }
}

function listOf(url: URL, method: string): ListName | null {
  const [, scim, kind, id] = url.pathname.split('/')
  if (scim !== 'scim') return null
  if (method !== 'GET') return 'writes'
  if (id !== undefined) return 'one'
  return kind === 'Users' ? 'users' : kind === 'Groups' ? 'groups' : null
}

function answer(asked: Asked, world: World, paging: 'index' | 'cursor'): Answer {
  const { url, method, headers } = asked
  if (headers['authorization'] !== `Bearer ${hostileToken}`) return problem(401)
  if (method !== 'GET') return scimWriteAnswer(asked, world)
  const { users, groups } = world.shown
  const [, , kind, id] = url.pathname.split('/').map(decodeURIComponent)
  const filter = url.searchParams.get('filter')
  if (filter !== null) return kind === 'Users' ? named(users, filter) : problem(400, 'invalidFilter')
  if (kind === 'Users') return id === undefined ? page(users, userResource, url, paging) : single(users.get(id), userResource)
  if (kind === 'Groups') return id === undefined ? page(groups, groupResource, url, paging) : single(groups.get(id), groupResource)
  return problem(404)
}

function named(users: Table<User>, filter: string): Answer {
  const name = /^userName eq (".*")$/.exec(filter)?.[1]
  if (name === undefined) return problem(400, 'invalidFilter')
  const user = users.get(JSON.parse(name) as string)
  return json({ schemas: [listSchema], totalResults: user === undefined ? 0 : 1, itemsPerPage: 1, startIndex: 1, Resources: user === undefined ? [] : [userResource(user)] })
}

const single = <T extends object>(row: T | undefined, resource: (row: T) => object): Answer =>
  row === undefined ? problem(404) : json(resource(row), 200, { etag: versionOf(row) })

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

const groupResource = ({ id, name, members, subgroups }: Group): object => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  id,
  displayName: name,
  members: [...members.map((value) => ({ value, type: 'User' })), ...subgroups.map((value) => ({ value, type: 'Group' }))],
})

function page<T>(table: Table<T>, resource: (row: T) => object, url: URL, paging: 'index' | 'cursor'): Answer {
  const count = Number(url.searchParams.get('count') ?? '100')
  const cursor = url.searchParams.get('cursor')
  const rows = (ids: readonly string[]): object[] => ids.map((id) => resource(table.get(id)!))
  const frame = { schemas: [listSchema], totalResults: table.size, itemsPerPage: count }
  if (paging === 'cursor' && cursor !== null) {
    const { ids, more } = idsAfter(table.sorted, cursor, count)
    return json({ ...frame, Resources: rows(ids), ...(more && { nextCursor: ids.at(-1)! }) })
  }
  const startIndex = Math.max(1, Number(url.searchParams.get('startIndex') ?? '1'))
  return json({ ...frame, startIndex, Resources: rows(table.listed.slice(startIndex - 1, startIndex - 1 + count)) })
}
