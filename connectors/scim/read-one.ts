import { unprovenAbsence } from '../../src/connect/unproven-absence.ts'
import { ConnectError, type Mapped } from '../../src/ports/connector.ts'
import { idOf } from './attributes.ts'
import type { ScimClient } from './client.ts'
import type { ScimConfig } from './config.ts'
import { directGroupsOf, mapUser, membership, membersOf } from './map.ts'
import { walk, type Paging } from './paging.ts'

export interface SingleReads {
  client: ScimClient
  config: ScimConfig
  groupPaging: Paging
  /** whether the filter on members was seen to find a member; null until it was measured */
  memberFilter: boolean | null
}

/**
 * All pieces of one user; null where the server answers not-found and, asked the same way, finds another user that it lists.
 * Without such a control the absence is not proven, and this throws.
 */
export async function readUser(reads: SingleReads, id: string): Promise<Mapped[] | null> {
  const { client, config } = reads
  const place = `user ${id}`
  const user = await client.resource(config.users.path, id, place)
  if (user === null) {
    if (await controlFound(reads, id, place)) return null
    throw unprovenAbsence(place)
  }
  if (idOf(user) !== id) throw new ConnectError('schema', 'the server answered for another user', place)
  const pieces = mapUser(config, user)
  if (config.groups === 'user-groups') return pieces
  const groups = new Set(await groupsWith(reads, id))
  if (config.groups === 'both') for (const group of directGroupsOf(user)) groups.add(group)
  return [...pieces, ...[...groups].map((group) => membership(id, group))]
}

async function controlFound({ client, config }: SingleReads, id: string, place: string): Promise<boolean> {
  const listed = await client.list(config.users.path, { startIndex: 1, count: 2 }, `${place}, control`)
  for (const row of listed.rows) {
    const control = idOf(row)
    if (control === null || control === id) continue
    return idOf(await client.resource(config.users.path, control, `${place}, control ${control}`)) === control
  }
  return false
}

/** A filter that the server misreads would make memberships vanish: unless it was seen to work, all groups are read. */
async function groupsWith(reads: SingleReads, account: string): Promise<string[]> {
  reads.memberFilter ??= await measureMemberFilter(reads)
  const found: string[] = []
  for await (const { group, users } of groupsRead(reads, reads.memberFilter ? memberFilter(account) : {})) {
    if (users.includes(account)) found.push(group)
  }
  return found
}

async function measureMemberFilter(reads: SingleReads): Promise<boolean> {
  for await (const { group, users } of groupsRead(reads, {})) {
    const member = users[0]
    if (member === undefined) continue
    try {
      for await (const answer of groupsRead(reads, memberFilter(member))) if (answer.group === group) return true
    } catch (error) {
      if (error instanceof ConnectError && (error.class === 'schema' || error.class === 'partial')) return false
      throw error
    }
    return false
  }
  return false
}

async function* groupsRead(reads: SingleReads, query: Record<string, string>): AsyncGenerator<{ group: string; users: string[] }> {
  const { client, config } = reads
  const of = { client, name: 'Groups', path: config.groupsPath, query, pageSize: config.pageSize }
  let expected = 0
  for await (const page of walk(reads.groupPaging, of)) {
    // No ledger stands behind a single read: groups that moved meanwhile would be memberships that vanish.
    if (page.rows.length > 0 && page.start !== null && page.start !== expected) {
      throw new ConnectError('partial', 'groups moved while they were read; read the account again', page.place)
    }
    expected += page.rows.length
    for (const row of page.rows) yield { group: idOf(row) ?? '', users: membersOf(config, row).users }
  }
}

const memberFilter = (account: string): Record<string, string> => ({ filter: `members.value eq ${JSON.stringify(account)}` })
