import type { Operation } from '../../schemas/wire/operations.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import { pathSegment } from '../../src/connect/address.ts'
import type { HandOver } from '../../src/connect/hand-over.ts'
import { ConnectError, type WriteSide } from '../../src/ports/connector.ts'
import { whole } from './chain.ts'
import { send, type Outcome } from './change.ts'
import type { AdminApi } from './client.ts'
import type { KeycloakConfig } from './config.ts'
import { createUser, userNamed } from './create.ts'
import { disableCredential, handSecretOver, rotate } from './credentials.ts'
import type { Groups } from './groups.ts'
import { clientRole, realmRole } from './names.ts'
import { groupsOf, pathOf, rolesOf } from './read-one.ts'
import { Client, Role, User, shaped } from './shapes.ts'

/** What a grant is in the admin API. */
type Target = { role: Role; path: string; name: string } | { group: string }

/** Corrections by the admin API: role mappings and groups of a user, whether it may log in, users themselves. */
export function writeSide(api: AdminApi, config: KeycloakConfig, groups: Groups, handOver: HandOver | null): WriteSide {
  return {
    operations: ['create-account', 'grant', 'revoke', 'enable-account', 'disable-account', 'delete-account', 'rotate-credential', 'disable-credential'],
    steps({ name }) {
      // A disabled user's sessions would go on until their tokens end.
      if (name === 'disable-account') return ['disable', 'end sessions']
      return name === 'rotate-credential' && handOver !== null ? ['rotate', 'hand over'] : name === 'rotate-credential' ? ['rotate'] : [name]
    },
    located: async (name) => (await userNamed(api, name, `user ${name}`))?.id ?? null,
    async ensure(operation, step) {
      const place = `${operation.name} of ${operation.account}`
      switch (step) {
        case 'create-account':
          return await createUser(api, config, operation, place)
        case 'grant':
          return await setGrant(api, groups, operation, true, place)
        case 'revoke':
          return await setGrant(api, groups, operation, false, place)
        case 'enable-account':
          return await setEnabled(api, operation.account, true, place)
        case 'disable':
          return await setEnabled(api, operation.account, false, place)
        case 'end sessions':
          return await endSessions(api, operation.account, place)
        case 'delete-account':
          return await send(api, 'DELETE', pathOf(operation.account), undefined, place, true)
        case 'rotate':
          return await rotate(api, operation, place)
        case 'hand over':
          return await handSecretOver(api, operation, handOver, place)
        case 'disable-credential':
          return await disableCredential(api, operation, place)
        default:
          throw new ConnectError('configuration', `keycloak has no step "${step}" of ${operation.name}`, place)
      }
    },
  }
}

async function setGrant(api: AdminApi, groups: Groups, { account, ref }: Operation, wanted: boolean, place: string): Promise<Outcome> {
  const target = await targetOf(api, ref, place)
  if ('role' in target) {
    if ((await rolesOf(api, account, place)).includes(target.name) === wanted) return 'already'
    const { id, name } = target.role
    return await send(api, wanted ? 'POST' : 'DELETE', `${pathOf(account)}/role-mappings/${target.path}`, [{ id, name }], place)
  }
  if ((await groupsOf(api, groups, account, place)).includes(target.group) === wanted) return 'already'
  const group = await groupAt(groups, target.group, place)
  return await send(api, wanted ? 'PUT' : 'DELETE', `${pathOf(account)}/groups/${pathSegment(group, place)}`, undefined, place)
}

async function groupAt(groups: Groups, path: string, place: string): Promise<string> {
  const found = (await groups.all()).find((group) => group.path === path)
  if (found === undefined) throw new ConnectError('not-found', `there is no group ${path}`, place)
  return found.id
}

/** The one field is sent: Keycloak leaves what is left out as it is, whatever somebody else changed of it meanwhile. */
async function setEnabled(api: AdminApi, account: string, enabled: boolean, place: string): Promise<Outcome> {
  const answer = await api.get(pathOf(account), {}, place)
  if (answer === null) throw new ConnectError('not-found', 'there is no such user', place)
  if (shaped(User, answer, place).enabled === enabled) return 'already'
  return await send(api, 'PUT', pathOf(account), { enabled }, place)
}

async function endSessions(api: AdminApi, account: string, place: string): Promise<Outcome> {
  if ((await whole(api, `${pathOf(account)}/sessions`, {}, place)).length === 0) return 'already'
  return await send(api, 'POST', `${pathOf(account)}/logout`, undefined, place)
}

/** A role or a group as the reads call it, or the entitlement of having it. */
async function targetOf(api: AdminApi, ref: Ref | null, place: string): Promise<Target> {
  if (ref?.kind === 'group') return { group: ref.id }
  if (ref?.kind === 'entitlement' && ref.id.startsWith('group:')) return { group: ref.id.slice('group:'.length) }
  const [prefix, name] = ref === null ? ['', ''] : splitAt(ref.id, ref.id.indexOf(':'))
  if (prefix === 'role') {
    const role = await api.get(`/roles/${pathSegment(name, place)}`, {}, place)
    if (role === null) throw new ConnectError('not-found', `there is no role ${name}`, place)
    return { role: shaped(Role, role, place), path: 'realm', name: realmRole(name) }
  }
  if (prefix === 'client-role') return await clientRoleOf(api, name, place)
  throw new ConnectError('schema', 'roles and groups are granted and revoked', ref === null ? 'nothing' : `${ref.kind} ${ref.id}`)
}

/** A client's id and a role's name may both hold colons: the one division that exists is meant. */
async function clientRoleOf(api: AdminApi, name: string, place: string): Promise<Target> {
  for (let colon = name.indexOf(':'); colon > 0; colon = name.indexOf(':', colon + 1)) {
    const [clientId, roleName] = splitAt(name, colon)
    const clients = (await whole(api, '/clients', { clientId }, place)).map((row) => shaped(Client, row, place))
    const client = clients.find((candidate) => candidate.clientId === clientId)
    if (client === undefined) continue
    const role = await api.get(`/clients/${pathSegment(client.id, place)}/roles/${pathSegment(roleName, place)}`, {}, place)
    if (role !== null) return { role: shaped(Role, role, place), path: `clients/${pathSegment(client.id, place)}`, name: clientRole(clientId, roleName) }
  }
  throw new ConnectError('not-found', `there is no client role ${name}`, place)
}

const splitAt = (text: string, at: number): [string, string] => [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
