import type { Ref } from '../../schemas/wire/raw.ts'
import type { Group, Role } from './shapes.ts'

/** How roles and groups are called in grants and in the catalogue: by name, as people write them. */
export const realmRole = (name: string): string => `role:${name}`
export const clientRole = (clientId: string, name: string): string => `client-role:${clientId}:${name}`

/** `clients`: id -> clientId. Null for a role of a client that is not known. */
export function roleName(role: Role, clients: ReadonlyMap<string, string>): string | null {
  if (!role.clientRole) return realmRole(role.name)
  const clientId = clients.get(role.containerId)
  return clientId === undefined ? null : clientRole(clientId, role.name)
}

/** A group's path; a slash inside a name is written `~/`, since Keycloak's own path would read as another group's. */
export const groupPath = (parent: string, { name }: Pick<Group, 'name'>): string =>
  `${parent}/${name.replaceAll('~', '~~').replaceAll('/', '~/')}`

export const roleRef = (name: string): Ref => ({ kind: 'role', id: name })
export const groupRef = (path: string): Ref => ({ kind: 'group', id: path })
/** Being in the group, as an entitlement. */
export const groupEntitlement = (path: string): string => `group:${path}`
