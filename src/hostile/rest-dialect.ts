import { type Answer, type Asked, type Dialect, json, type ListName, type Shape } from './exchange.ts'
import type { World } from './world.ts'

/** How the lists of the admin API are paged. */
export const restStyles = ['offset', 'index', 'page', 'cursor', 'link', 'url', 'key', 'once'] as const
export type RestStyle = (typeof restStyles)[number]

/** Everything under `/admin` needs this token. */
export const hostileToken = 'hostile-admin-token'

/**
 * A bespoke JSON admin API over a world:
 *   POST   /token                                              { access_token, expires_in } (OAuth2 client credentials, whoever asks)
 *   GET    /admin/users, /admin/groups                         { items, total, next? }, paged in one style
 *   GET    /admin/groups/:id/members                            the same, of { user }
 *   GET    /admin/users/:id                                     the user with its groups
 *   GET    /admin/changes?after=0                               { items: [{ user }], last }
 *   POST   /admin/users, PATCH and DELETE /admin/users/:id
 *   PUT    /admin/groups/:id/members/:user, and DELETE
 */
export function restDialect(world: () => World, style: RestStyle): Dialect {
  const shape: Shape = {
    rows: 'items', total: 'total', next: style === 'link' ? 'link' : style === 'cursor' || style === 'url' ? 'next' : null, id: 'id', name: 'name',
  }
  return { name: `rest by ${style}`, shape, listOf, answer: (asked) => answer(asked, world(), style) }
}

function listOf(url: URL, method: string): ListName | null {
  if (method !== 'GET') return null
  const [, , kind, id, members] = url.pathname.split('/')
  if (members === 'members') return 'members'
  if (id !== undefined) return null
  return kind === 'users' || kind === 'groups' ? kind : null
}

function answer(asked: Asked, world: World, style: RestStyle): Answer {
  const { url, method, headers, body } = asked
  if (url.pathname === '/token' && method === 'POST') return json({ access_token: hostileToken, token_type: 'Bearer', expires_in: 3_600 })
  if (headers['authorization'] !== `Bearer ${hostileToken}`) return json({ error: 'who are you' }, 401)
  const [, , kind, id, members, member] = url.pathname.split('/').map(decodeURIComponent)
  if (method === 'GET' && id === undefined) {
    if (kind === 'users') return page([...world.users.values()].map(listed), url, style)
    if (kind === 'groups') return page([...world.groups.values()], url, style)
    if (kind === 'changes') return changes(world, Number(url.searchParams.get('after') ?? '0'))
  }
  if (kind === 'groups' && id !== undefined && members === 'members') {
    if (method === 'GET') {
      const group = world.groups.get(id)
      return group === undefined ? missing() : page(group.members.map((user) => ({ id: user, name: user })), url, style)
    }
    if (member !== undefined) return world.setMember(id, member, method === 'PUT') ? json(undefined, 204) : missing()
  }
  if (kind === 'users') return userAnswer(asked, world, id, body)
  return missing()
}

function userAnswer({ method }: Asked, world: World, id: string | undefined, body: string): Answer {
  if (method === 'POST' && id === undefined) {
    const wanted = JSON.parse(body) as { id: string; name?: string }
    if (world.users.has(wanted.id)) return json({ error: 'there is such a user' }, 409)
    world.put({ id: wanted.id, name: wanted.name ?? wanted.id, mail: '', kind: 'person', active: true, owner: '', created: '2026-01-01T00:00:00Z', keys: [] })
    return json({ id: wanted.id }, 201)
  }
  const user = id === undefined ? undefined : world.users.get(id)
  if (user === undefined || id === undefined) return missing()
  if (method === 'GET') return json({ ...listed(user), groups: world.groupsOf(id) })
  if (method === 'DELETE') {
    world.remove(id)
    return json(undefined, 204)
  }
  if (method === 'PATCH') {
    world.put({ ...user, ...(JSON.parse(body) as object), id })
    return json(listed(world.users.get(id)!))
  }
  return missing()
}

const listed = (user: object): object => ({ ...user })
const missing = (): Answer => json({ error: 'not found' }, 404)

function changes(world: World, after: number): Answer {
  return json({ items: world.changes.slice(after).map((user) => ({ user })), last: world.changes.length })
}

function page(rows: readonly object[], url: URL, style: RestStyle): Answer {
  const of = (name: string, otherwise: number): number => Number(url.searchParams.get(name) ?? otherwise)
  const size = of('limit', 1_000)
  const total = rows.length
  const part = (start: number): object[] => rows.slice(start, start + size)
  switch (style) {
    case 'offset':
      return json({ items: part(of('offset', 0)), total })
    case 'index':
      return json({ items: part(of('offset', 1) - 1), total })
    case 'page':
      return json({ items: part((of('page', 1) - 1) * size), total })
    case 'once':
      return json({ items: rows, total })
    case 'key':
      return json({ items: after(rows, url.searchParams.get('after') ?? '').slice(0, size), total })
    default: {
      // Cursors hold a key, not a position: nothing that comes or goes moves what is behind them.
      const rest = after(rows, url.searchParams.get('at') ?? '')
      const items = rest.slice(0, size)
      const following = rest.length > size ? idOf(items.at(-1)!) : null
      if (style === 'cursor') return json({ items, total, next: following })
      const address = following === null ? null : `${url.pathname}?limit=${size}&at=${encodeURIComponent(following)}`
      if (style === 'url') return json({ items, total, next: address })
      return json({ items, total }, 200, address === null ? {} : { link: `<${address}>; rel="next", </admin>; rel="up"` })
    }
  }
}

const after = (rows: readonly object[], key: string): object[] =>
  rows.filter((row) => idOf(row) > key).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))

const idOf = (row: object): string => (row as { id: string }).id
