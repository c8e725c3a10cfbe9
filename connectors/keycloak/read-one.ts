import { z } from 'zod'
import type { Ref } from '../../schemas/wire/raw.ts'
import { pathSegment } from '../../src/connect/address.ts'
import { unprovenAbsence } from '../../src/connect/unproven-absence.ts'
import { ConnectError, type Mapped } from '../../src/ports/connector.ts'
import { mapServiceAccount, mapUser, serviceAccountOf } from './accounts.ts'
import { chain } from './chain.ts'
import type { AdminApi } from './client.ts'
import type { KeycloakConfig } from './config.ts'
import type { Groups } from './groups.ts'
import { clientRole, groupRef, realmRole, roleRef } from './names.ts'
import { Client, Role, User, shaped } from './shapes.ts'

/** Direct role mappings of a user: of the realm, and of each client by its clientId. */
const Mappings = z.object({
  realmMappings: z.array(Role).default([]),
  clientMappings: z.record(z.string(), z.object({ client: z.string(), mappings: z.array(Role) })).default({}),
})
const Rows = z.array(z.object({ id: z.string().min(1) }))

/**
 * All pieces of one account; null where the server answers not-found and, asked the same way, finds another user that it lists.
 * Without such a control the absence is not proven, and this throws.
 */
export async function readAccount(api: AdminApi, config: KeycloakConfig, groups: Groups, id: string): Promise<Mapped[] | null> {
  const place = `user ${id}`
  const path = pathOf(id)
  const answer = await api.get(path, {}, place)
  if (answer === null) {
    if (await controlFound(api, id, place)) return null
    throw unprovenAbsence(place)
  }
  const user = shaped(User, answer, place)
  if (user.id !== id) throw new ConnectError('schema', 'the server answered for another user', place)
  const memberships = await held(api, groups, id, place)
  const own = (await serviceAccount(api, config, user, place)) ?? [mapUser(config, user)]
  return [...own, ...memberships.map((ref): Mapped => ({ piece: 'membership', account: id, ref, valid: null }))]
}

/** A user that is deleted while it is read is worth another question: then it is gone. */
async function held(api: AdminApi, groups: Groups, id: string, place: string): Promise<Ref[]> {
  try {
    return [...(await rolesOf(api, id, place)).map(roleRef), ...(await groupsOf(api, groups, id, place)).map(groupRef)]
  } catch (error) {
    if (!(error instanceof ConnectError) || error.class !== 'not-found') throw error
    throw new ConnectError('transient', 'the user went while it was read', place, { cause: error })
  }
}

export const pathOf = (id: string): string => `/users/${pathSegment(id, `user ${id}`)}`

/** Names of the roles that a user holds directly. */
export async function rolesOf(api: AdminApi, id: string, place: string): Promise<string[]> {
  const answer = await api.get(`${pathOf(id)}/role-mappings`, {}, place)
  if (answer === null) throw gone(place)
  const { realmMappings, clientMappings } = shaped(Mappings, answer, place)
  const ofClients = Object.values(clientMappings).flatMap(({ client, mappings }) => mappings.map(({ name }) => clientRole(client, name)))
  return [...realmMappings.map(({ name }) => realmRole(name)), ...ofClients]
}

/** Paths of the groups that a user is in directly. */
export async function groupsOf(api: AdminApi, groups: Groups, id: string, place: string): Promise<string[]> {
  const answer = await api.get(`${pathOf(id)}/groups`, { briefRepresentation: true }, place)
  if (answer === null) throw gone(place)
  return await Promise.all(shaped(Rows, answer, place).map((group) => groups.pathOf(group.id, place)))
}

const gone = (place: string): ConnectError => new ConnectError('not-found', 'there is no such user any more', place)

/** Keycloak names the user after its client, in lower case; the client itself says whether that is its user. Null for a person. */
async function serviceAccount(api: AdminApi, config: KeycloakConfig, user: User, place: string): Promise<Mapped[] | null> {
  const clientId = /^service-account-(.+)$/.exec(user.username)?.[1]
  if (clientId === undefined) return null
  for await (const { rows } of chain(api, `${place}, its client`, '/clients', { clientId, search: true }, config.pageSize)) {
    for (const client of rows.map((row) => shaped(Client, row, place))) {
      if (client.clientId.toLowerCase() !== clientId) continue
      const account = await serviceAccountOf(api, config, client)
      if (account?.user.id === user.id) return mapServiceAccount(account)
    }
  }
  return null
}

async function controlFound(api: AdminApi, id: string, place: string): Promise<boolean> {
  const listed = shaped(Rows, await api.get('/users', { first: 0, max: 2 }, `${place}, control`), place)
  const control = listed.find((row) => row.id !== id)
  return control !== undefined && (await api.get(pathOf(control.id), {}, `${place}, control ${control.id}`)) !== null
}
