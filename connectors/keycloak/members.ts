import { z } from 'zod'
import type { Ref } from '../../schemas/wire/raw.ts'
import type { Mapped, Page, Stream } from '../../src/ports/connector.ts'
import { chain } from './chain.ts'
import type { AdminApi } from './client.ts'
import type { KeycloakConfig } from './config.ts'
import type { Groups } from './groups.ts'
import { groupRef, roleRef } from './names.ts'
import type { Roles } from './roles.ts'
import { shaped } from './shapes.ts'

const Member = z.object({ id: z.string().min(1) })

interface Membership {
  account: string
  ref: Ref
}

/** Who holds which role and is in which group, directly: asked of each role and each group. */
export function memberStreams(api: AdminApi, config: KeycloakConfig, roles: Roles, groups: Groups): Stream[] {
  async function* holders(): AsyncGenerator<Page> {
    for (const { name, path } of await roles.all()) yield* members(`holders of ${name}`, `${path}/users`, roleRef(name))
    yield { rows: [], place: 'holders of roles, end', total: null, start: null }
  }
  async function* inGroups(): AsyncGenerator<Page> {
    for (const { path, id } of await groups.all()) yield* members(`members of ${path}`, `/groups/${encodeURIComponent(id)}/members`, groupRef(path))
    yield { rows: [], place: 'members of groups, end', total: null, start: null }
  }
  async function* members(name: string, path: string, ref: Ref): AsyncGenerator<Page> {
    for await (const { rows, place } of chain(api, name, path, { briefRepresentation: true }, config.pageSize)) {
      yield { rows: rows.map((row): Membership => ({ account: shaped(Member, row, place).id, ref })), place, total: null, start: null }
    }
  }
  return [
    { name: 'holders of roles', classes: ['memberships'], proof: 'cursor', pages: holders, map: mapMembership },
    { name: 'members of groups', classes: ['memberships'], proof: 'cursor', pages: inGroups, map: mapMembership },
  ]
}

function mapMembership(row: unknown): Mapped[] {
  const { account, ref } = row as Membership
  return [{ piece: 'membership', account, ref, valid: null }]
}
