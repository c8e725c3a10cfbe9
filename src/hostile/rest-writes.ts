import { canonical, digest } from '../core/canonical.ts'
import { type Answer, type Asked, json } from './exchange.ts'
import type { User, World } from './world.ts'

/**
 * What the bespoke admin API lets be written; each request that changed something is noted in the world's `effects`:
 *   POST   /admin/users                                        { id, name?, active? } -> 201; 409 where there is one
 *   PATCH  /admin/users/:id, PUT /admin/users/:id              fields, or the whole user -> the user; 412 where If-Match is of another version
 *   DELETE /admin/users/:id                                    204, 404
 *   PUT    /admin/groups/:id/members/:user, and DELETE         { changed }
 *   POST   /admin/groups/:id/members                           { user }: adds a row, whether there is one or not; once for each Idempotency-Key
 */
export function writeAnswer(asked: Asked, world: World): Answer {
  const { url, method, headers, body } = asked
  const [, , kind, id, members, member] = url.pathname.split('/').map(decodeURIComponent)
  if (kind === 'groups' && id !== undefined && members === 'members') {
    if (member !== undefined && (method === 'PUT' || method === 'DELETE')) return setMember(world, id, member, method === 'PUT')
    if (member === undefined && method === 'POST') return once(world, headers['idempotency-key'], () => addRow(world, id, (JSON.parse(body) as { user: string }).user))
  }
  if (kind !== 'users') return missing()
  if (method === 'POST' && id === undefined) return create(world, JSON.parse(body) as Partial<User> & { id: string })
  const user = id === undefined ? undefined : world.users.get(id)
  if (user === undefined) return missing()
  if (method === 'DELETE') return remove(world, user.id)
  const { 'if-match': version } = headers
  if (version !== undefined && version !== versionOf(user)) return json({ error: 'it is another version by now' }, 412)
  if (method === 'PATCH') return change(world, user, { ...user, ...(JSON.parse(body) as object), id: user.id })
  if (method === 'PUT') return change(world, user, { ...(JSON.parse(body) as User), id: user.id })
  return missing()
}

/** A strong validator (RFC 9110, 8.8.3). */
export const versionOf = (row: object): string => `"${digest(canonical(row))}"`

export function create(world: World, { id, name = id, active = true }: Partial<User> & { id: string }): Answer {
  if (world.users.has(id)) return json({ error: 'there is such a user' }, 409)
  world.put({ id, name, mail: '', kind: 'person', active, owner: '', created: '2026-01-01T00:00:00Z', keys: [] })
  world.effects.push(`create ${id}`)
  return json({ id }, 201)
}

export function remove(world: World, id: string): Answer {
  if (!world.remove(id)) return missing()
  world.effects.push(`delete ${id}`)
  return json(undefined, 204)
}

export function change(world: World, before: User, { name, mail, kind, active, owner, created, keys }: User): Answer {
  const after: User = { id: before.id, name, mail, kind, active, owner, created, keys }
  if (canonical(after) === canonical(before)) return json({ ...after })
  if (after.active !== before.active) world.effects.push(`${after.active ? 'enable' : 'disable'} ${after.id}`)
  if (canonical({ ...after, active: before.active }) !== canonical(before)) world.effects.push(`edit ${after.id}`)
  world.put(after)
  return json({ ...after })
}

export function setMember(world: World, group: string, user: string, member: boolean): Answer {
  const held = world.groups.get(group)?.members.includes(user)
  if (held === undefined || !world.users.has(user)) return missing()
  if (held === member) return json({ changed: false })
  world.setMember(group, user, member)
  world.effects.push(`${member ? 'grant' : 'revoke'} ${user} ${group}`)
  return json({ changed: true })
}

function addRow(world: World, group: string, user: string): Answer {
  const of = world.groups.get(group)
  if (of === undefined || !world.users.has(user)) return missing()
  of.members = [...of.members, user]
  world.changes.push(user)
  world.effects.push(`grant ${user} ${group}`)
  return json({ group, user }, 201)
}

/** A request whose key came before is answered as it was then, and changes nothing. */
function once(world: World, key: string | undefined, carryOut: () => Answer): Answer {
  if (key === undefined) return carryOut()
  const known = world.answered.get(key) as Answer | undefined
  if (known !== undefined) return known
  const answer = carryOut()
  world.answered.set(key, answer)
  return answer
}

export const missing = (): Answer => json({ error: 'not found' }, 404)
