import {
  ConnectError, MappingError, type ConnectorSession, type ConnectorType, type Mapped, type ObservedClass, type Page, type Platform, type Stream,
} from '../../src/ports/connector.ts'
import { idOf } from './attributes.ts'
import { measureChanges, readChanges, type ChangeReads } from './changes.ts'
import { scimClient, type Query } from './client.ts'
import { MembershipComparison } from './comparison.ts'
import { ScimConfig } from './config.ts'
import { mapGroup, mapUser } from './map.ts'
import { measurePaging, sized, strategies, walk, type Paging, type Walk } from './paging.ts'
import { readUser, type SingleReads } from './read-one.ts'
import { writeSide } from './write.ts'

/** Any application with a SCIM 2.0 service: users, groups, who is in which group, roles and entitlements of users. */
export const connector: ConnectorType<ScimConfig> = {
  kind: 'scim',
  summary: 'users and groups of a SCIM 2.0 service, by index or by cursor (RFC 9865)',
  config: ScimConfig,
  async open(config, platform): Promise<ConnectorSession> {
    const client = scimClient(platform.http, config.baseUrl, await tokenOf(config, platform))
    const endpoint = (name: string, path: string, query: Query): Walk => ({ client, name, path, query, pageSize: config.pageSize })
    const groups = endpoint('Groups', config.groupsPath, config.groups === 'user-groups' ? { excludedAttributes: 'members' } : {})
    const users = endpoint('Users', config.users.path, config.groups === 'members' ? { excludedAttributes: 'groups' } : {})
    const groupPaging = await pagingOf(config, groups)
    const userPaging = await pagingOf(config, users)
    const comparison = config.groups === 'both' ? new MembershipComparison(config) : null
    const changeReads: ChangeReads = { client, config, userPaging, groupPaging }
    const tellsChanges = config.changes === 'auto' && (await measureChanges(changeReads))
    const reads: SingleReads = { client, config, groupPaging, memberFilter: null }
    return {
      streams: [
        groupStream(config, groups, groupPaging, comparison),
        userStream(config, users, userPaging, comparison),
        ...(comparison === null ? [] : [comparison.stream()]),
      ],
      resumable: comparison === null,
      readOne: (nativeId) => readUser(reads, nativeId),
      ...(tellsChanges && { changes: (cursor: string | null) => readChanges(changeReads, cursor) }),
      write: writeSide(client, config),
      close: () => Promise.resolve(),
    }
  },
}

async function tokenOf(config: ScimConfig, platform: Platform): Promise<string | null> {
  return config.token === null ? null : platform.secret(config.token)
}

async function pagingOf(config: ScimConfig, of: Walk): Promise<Paging> {
  return config.paging === 'auto' ? measurePaging(of) : config.paging
}

/** A group that can't be mapped hides who is in it: not one lost row, but a hole in the memberships of unknown accounts. */
function groupStream(config: ScimConfig, of: Walk, paging: Paging, comparison: MembershipComparison | null): Stream {
  const map = (row: unknown): Mapped[] => mapGroup(config, row)
  async function* pages(from?: string): AsyncGenerator<Page> {
    let hole: ConnectError | null = null
    comparison?.beginGroups()
    for await (const page of walk(paging, of, from)) {
      for (const row of page.rows) {
        const problem = mappingProblem(() => map(row))
        if (problem === null) comparison?.addGroup(row)
        else hole ??= new ConnectError('partial', `group ${idOf(row) ?? 'without id'} can't be mapped (${problem}): its members are unknown`, page.place)
      }
      yield page
    }
    if (hole !== null) throw hole
  }
  return {
    name: 'groups',
    classes: config.groups === 'user-groups' ? ['definitions'] : ['definitions', 'memberships'],
    proof: strategies[paging].proof,
    pages,
    sized: sized(paging, of),
    map,
  }
}

function userStream(config: ScimConfig, of: Walk, paging: Paging, comparison: MembershipComparison | null): Stream {
  const map = (row: unknown): Mapped[] => mapUser(config, row)
  async function* pages(from?: string): AsyncGenerator<Page> {
    comparison?.beginUsers()
    for await (const page of walk(paging, of, from)) {
      for (const row of page.rows) comparison?.addUser(row)
      yield page
    }
    comparison?.endUsers()
  }
  const classes: ObservedClass[] = ['accounts']
  if (config.groups === 'user-groups') classes.push('memberships')
  if (config.roles === 'grants' || config.entitlements === 'grants') classes.push('grants')
  return { name: 'users', classes, proof: strategies[paging].proof, pages, sized: sized(paging, of), map }
}

function mappingProblem(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof MappingError) return error.message
    throw error
  }
}
