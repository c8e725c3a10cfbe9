import { type Answer, type Asked, json } from './exchange.ts'
import { change, create, remove, setMember, versionOf } from './rest-writes.ts'
import type { World } from './world.ts'

const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'

interface PatchOperation {
  op: 'add' | 'remove' | 'replace'
  path: string
  value?: unknown
}

/**
 * Users: POST (409 where the name is taken), PATCH of `active`, DELETE. Groups: PATCH that adds or removes single members. A change
 * with If-Match holds for that version only (RFC 7644, 3.14).
 */
export function scimWriteAnswer({ url, method, headers, body }: Asked, world: World): Answer {
  const [, , kind, id] = url.pathname.split('/').map(decodeURIComponent)
  if (kind === 'Users' && method === 'POST' && id === undefined) return createUser(world, JSON.parse(body) as { userName: string; displayName?: string; active?: boolean })
  const row = id === undefined ? undefined : kind === 'Users' ? world.users.get(id) : kind === 'Groups' ? world.groups.get(id) : undefined
  if (row === undefined || id === undefined) return problem(404)
  if (kind === 'Users' && method === 'DELETE') return remove(world, id)
  if (method !== 'PATCH') return problem(501)
  const { 'if-match': version } = headers
  if (version !== undefined && version !== versionOf(row)) return problem(412)
  const { Operations } = JSON.parse(body) as { Operations: PatchOperation[] }
  return Operations.map((operation) => (kind === 'Users' ? patchUser(world, id, operation) : patchGroup(world, id, operation))).find(({ status }) => status >= 300) ?? json(undefined, 204)
}

/** The user's name is its id here. */
function createUser(world: World, { userName, displayName = userName, active = true }: { userName: string; displayName?: string; active?: boolean }): Answer {
  const { status } = create(world, { id: userName, name: displayName, active })
  return status === 409 ? problem(409, 'uniqueness') : json({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], id: userName, userName }, 201)
}

function patchUser(world: World, id: string, { op, path, value }: PatchOperation): Answer {
  const user = world.users.get(id)!
  return op === 'replace' && path === 'active' && typeof value === 'boolean' ? change(world, user, { ...user, active: value }) : problem(400, 'invalidPath')
}

function patchGroup(world: World, id: string, { op, path, value }: PatchOperation): Answer {
  const removed = /^members\[value eq (".*")\]$/.exec(path)?.[1]
  if (op === 'remove' && removed !== undefined) return setMember(world, id, JSON.parse(removed) as string, false)
  if (op !== 'add' || path !== 'members') return problem(400, 'invalidPath')
  return (value as { value: string }[]).map((member) => setMember(world, id, member.value, true)).find(({ status }) => status >= 300) ?? json(undefined, 204)
}

export const problem = (status: number, scimType?: string): Answer =>
  json({ schemas: [errorSchema], status: String(status), ...(scimType !== undefined && { scimType }) }, status)
