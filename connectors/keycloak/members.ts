import { z } from 'zod'
import type { Ref } from '../../schemas/wire/raw.ts'
import { pathSegment } from '../../src/connect/address.ts'
import { behind, endingWith } from '../../src/connect/paging/in-turn.ts'
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

/** Who holds which role and is in which group, directly: asked of each role and each group, in the order of their names. */
export function memberStreams(api: AdminApi, config: KeycloakConfig, roles: Roles, groups: Groups): Stream[] {
  async function* holders(from?: string): AsyncGenerator<Page> {
    const paths = new Map((await roles.all()).map(({ name, path }) => [name, path]))
    for (const name of behind(paths.keys(), from ?? null)) yield* endingWith(members(`holders of ${name}`, `${paths.get(name)}/users`, roleRef(name)), () => name)
    yield { rows: [], place: 'holders of roles, end', total: null, start: null }
  }
  async function* inGroups(from?: string): AsyncGenerator<Page> {
    const ids = new Map((await groups.all()).map(({ path, id }) => [path, id]))
    for (const path of behind(ids.keys(), from ?? null)) {
      const name = `members of ${path}`
      yield* endingWith(members(name, `/groups/${pathSegment(ids.get(path)!, name)}/members`, groupRef(path)), () => path)
    }
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
