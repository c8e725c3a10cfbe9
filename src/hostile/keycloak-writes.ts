import { type Answer, type Asked, json } from './exchange.ts'
import { change, create, remove, setMember } from './rest-writes.ts'
import type { User, World } from './world.ts'

const loggedOut = new WeakMap<World, Set<string>>()

/** Every user has one until somebody ends it: disabling does not. */
export const sessionsOf = (world: World, user: string): object[] => (loggedOut.get(world)?.has(user) === true ? [] : [{ id: `session of ${user}`, userId: user }])

/**
 * What the admin API lets be written, by the parts of its path below the realm:
 *   POST   users                                { username, enabled?, firstName? } -> 201; 409 where the name is taken
 *   PUT    users/:id                            what is left out stays as it is; 204
 *   DELETE users/:id                            204, 404
 *   PUT    users/:id/groups/:group, and DELETE  204, whether it was so or not
 *   POST   users/:id/role-mappings/realm, and DELETE   [{ name }]; 204, whether it was so or not
 *   POST   users/:id/logout                     204
 */
export function keycloakWriteAnswer({ method, body }: Asked, world: World, [kind, id, part, target]: string[]): Answer {
  if (kind !== 'users') return notFound('Could not find it')
  if (id === undefined) return method === 'POST' ? createUser(world, JSON.parse(body) as UserBody) : notFound('Could not find it')
  const user = world.users.get(id)
  if (user === undefined) return notFound('User not found')
  if (part === undefined) return method === 'DELETE' ? remove(world, id) : update(world, user, JSON.parse(body) as UserBody)
  const isMade = method !== 'DELETE'
  if (part === 'groups') return setAll(world, id, [target ?? ''], isMade)
  if (part === 'role-mappings') return setAll(world, id, (JSON.parse(body) as { name: string }[]).map(({ name }) => name), isMade)
  if (part !== 'logout') return notFound('Could not find it')
  loggedOut.set(world, (loggedOut.get(world) ?? new Set()).add(id))
  return noContent
}

interface UserBody {
  username?: string
  enabled?: boolean
  firstName?: string
  email?: string
}

/** The user's id is its name here. */
function createUser(world: World, { username = '', enabled, firstName }: UserBody): Answer {
  const id = username.toLowerCase()
  const { status } = create(world, { id, ...(firstName !== undefined && { name: firstName }), ...(enabled !== undefined && { active: enabled }) })
  if (status === 409) return json({ errorMessage: 'User exists with same username' }, 409)
  return json(undefined, 201, { location: `/users/${encodeURIComponent(id)}` })
}

function update(world: World, user: User, { enabled, firstName, email }: UserBody): Answer {
  change(world, user, { ...user, active: enabled ?? user.active, name: firstName ?? user.name, mail: email ?? user.mail })
  return noContent
}

function setAll(world: World, user: string, groups: readonly string[], isMade: boolean): Answer {
  const refused = groups.map((group) => setMember(world, group, user, isMade)).find(({ status }) => status === 404)
  return refused === undefined ? noContent : notFound('Group not found')
}

const noContent: Answer = json(undefined, 204)
const notFound = (error: string): Answer => json({ error }, 404)
