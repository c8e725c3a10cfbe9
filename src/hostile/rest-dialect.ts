import { type Answer, type Asked, type Dialect, json, type ListName, type Shape } from './exchange.ts'
import type { RestStyle } from './names.ts'
import { missing, versionOf, writeAnswer } from './rest-writes.ts'
import { idsAfter, sortedIds, type Table } from './table.ts'
import type { World } from './world.ts'

/** Everything under `/admin` needs this token. */
export const hostileToken = 'hostile-admin-token'

/**
 * A bespoke JSON admin API over a world; what it writes is in rest-writes.ts:
 *   POST   /token                                              { access_token, expires_in } (OAuth2 client credentials, whoever asks)
 *   GET    /admin/users, /admin/groups                         { items, total, next? }, paged in one style
 *   GET    /admin/groups/:id/members                            the same, of { user }
 *   GET    /admin/users/:id                                     the user with its groups; its version as ETag
 *   GET    /admin/changes?after=0                               { items: [{ user }], last }
 */
export function restDialect(world: () => World, style: RestStyle): Dialect {
  const shape: Shape = {
    rows: 'items', total: 'total', next: style === 'link' ? 'link' : style === 'cursor' || style === 'url' ? 'next' : null, id: 'id', name: 'name', change: { field: 'user', of: (user) => user },
  }
  return { name: `rest by ${style}`, shape, listOf, answer: (asked) => answer(asked, world(), style) }
}

function listOf(url: URL, method: string): ListName | null {
  const [, admin, kind, id, members] = url.pathname.split('/')
  if (admin !== 'admin') return null
  if (method !== 'GET') return 'writes'
  if (members === 'members') return 'members'
  if (id !== undefined) return 'one'
  return kind === 'users' || kind === 'groups' || kind === 'changes' ? kind : null
}

function answer(asked: Asked, world: World, style: RestStyle): Answer {
  const { url, method, headers } = asked
  if (url.pathname === '/token' && method === 'POST') return json({ access_token: hostileToken, token_type: 'Bearer', expires_in: 3_600 })
  if (headers['authorization'] !== `Bearer ${hostileToken}`) return json({ error: 'who are you' }, 401)
  const [, , kind, id, members] = url.pathname.split('/').map(decodeURIComponent)
  if (method !== 'GET') return writeAnswer(asked, world)
  const { users, groups, changes } = world.shown
  if (id === undefined) {
    if (kind === 'users') return page(rowsOf(users), url, style)
    if (kind === 'groups') return page(rowsOf(groups), url, style)
    if (kind === 'changes') return json({ items: changes.slice(Number(url.searchParams.get('after') ?? '0')).map((user) => ({ user })), last: changes.length })
    return missing()
  }
  if (kind === 'groups' && members === 'members') {
    const group = groups.get(id)
    return group === undefined ? missing() : page(membersOf(group.members), url, style)
  }
  const user = kind === 'users' ? users.get(id) : undefined
  return user === undefined ? missing() : json({ ...user, groups: world.shown.groupsOf(id) }, 200, { etag: versionOf(user) })
}

/** A list as pages are taken of it: no page costs more than its own rows. */
interface Rows {
  listed: readonly string[]
  sorted: () => readonly string[]
  of: (id: string) => object
}

const rowsOf = (table: Table<object>): Rows => ({ listed: table.listed, sorted: () => table.sorted, of: (id) => ({ ...table.get(id) }) })
const membersOf = (ids: readonly string[]): Rows => ({ listed: ids, sorted: () => sortedIds(ids), of: (id) => ({ id, name: id }) })

function page({ listed, sorted, of }: Rows, url: URL, style: RestStyle): Answer {
  const number = (name: string, otherwise: number): number => Number(url.searchParams.get(name) ?? otherwise)
  const size = number('limit', 1_000)
  const total = listed.length
  const part = (start: number): object[] => listed.slice(start, start + size).map(of)
  switch (style) {
    case 'offset':
      return json({ items: part(number('offset', 0)), total })
    case 'index':
      return json({ items: part(number('offset', 1) - 1), total })
    case 'page':
      return json({ items: part((number('page', 1) - 1) * size), total })
    case 'once':
      return json({ items: listed.map(of), total })
    case 'key':
      return json({ items: idsAfter(sorted(), url.searchParams.get('after') ?? '', size).ids.map(of), total })
    default: {
      // Cursors hold a key, not a position: nothing that comes or goes moves what is behind them.
      const { ids, more } = idsAfter(sorted(), url.searchParams.get('at') ?? '', size)
      const items = ids.map(of)
      const following = more ? ids.at(-1)! : null
      if (style === 'cursor') return json({ items, total, next: following })
      const address = following === null ? null : `${url.pathname}?limit=${size}&at=${encodeURIComponent(following)}`
      if (style === 'url') return json({ items, total, next: address })
      return json({ items, total }, 200, address === null ? {} : { link: `<${address}>; rel="next", </admin>; rel="up"` })
    }
  }
}
