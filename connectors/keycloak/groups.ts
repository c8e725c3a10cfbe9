import { z } from 'zod'
import { pathSegment } from '../../src/connect/address.ts'
import { ConnectError, type Mapped, type Page, type Stream } from '../../src/ports/connector.ts'
import type { AdminApi } from './client.ts'
import { chain } from './chain.ts'
import type { KeycloakConfig } from './config.ts'
import { clientRole, groupEntitlement, groupPath, groupRef, realmRole, roleRef } from './names.ts'
import { Group, shaped } from './shapes.ts'

const Count = z.object({ count: z.int().min(0) })

interface GroupRow {
  id: string
  path: string
  name: string
  /** path of the group above; null at the top */
  parent: string | null
  roles: string[]
}

/** The tree of groups. Remembers them, for the stream of their members. */
export class Groups {
  readonly #api: AdminApi
  readonly #config: KeycloakConfig
  #known: GroupRow[] | null = null

  constructor(api: AdminApi, config: KeycloakConfig) {
    this.#api = api
    this.#config = config
  }

  stream(): Stream {
    return { name: 'groups', classes: ['definitions'], proof: 'cursor', pages: () => this.#pages(), map: mapGroup }
  }

  /** All groups; read now where the stream did not end with as many as the source counts. Throws `partial` where it does not now either. */
  async all(): Promise<readonly GroupRow[]> {
    if (this.#known === null) for await (const _ of this.#pages());
    if (this.#known === null) throw new ConnectError('partial', 'the source counts another number of groups than it lists', 'groups')
    return this.#known
  }

  /** The path of a group by the ids above it. */
  async pathOf(id: string, place: string): Promise<string> {
    const answer = await this.#api.get(`/groups/${pathSegment(id, place)}`, {}, place)
    if (answer === null) throw new ConnectError('partial', 'a group of the account is gone since it was listed', place)
    const group = shaped(Group, answer, place)
    return groupPath(typeof group.parentId === 'string' ? await this.pathOf(group.parentId, place) : '', group)
  }

  /** Down the tree; the source's own count of all groups, before and after, is held against it. */
  async *#pages(): AsyncGenerator<Page> {
    this.#known = null
    const known: GroupRow[] = []
    const before = await this.#count()
    const waiting: (GroupRow | null)[] = [null]
    for (let parent = waiting.shift(); parent !== undefined; parent = waiting.shift()) {
      const name = parent === null ? 'groups' : `groups in ${parent.path}`
      const path = parent === null ? '/groups' : `/groups/${pathSegment(parent.id, name)}/children`
      for await (const page of chain(this.#api, name, path, { briefRepresentation: false, subGroupsCount: true }, this.#config.pageSize)) {
        const rows = page.rows.map((value) => {
          const group = shaped(Group, value, page.place)
          const row = rowOf(group, parent)
          if (group.subGroupCount !== 0) waiting.push(row)
          return row
        })
        known.push(...rows)
        yield { rows, place: page.place, total: before, start: null }
      }
    }
    const after = await this.#count()
    if (known.length === before && known.length === after) this.#known = known
    yield { rows: [], place: 'groups, counted again', total: after, start: null }
  }

  async #count(): Promise<number> {
    const place = 'groups, counting'
    return shaped(Count, await this.#api.get('/groups/count', { top: false }, place), place).count
  }
}

function rowOf(group: Group, parent: GroupRow | null): GroupRow {
  const ofClients = Object.entries(group.clientRoles).flatMap(([clientId, names]) => names.map((name) => clientRole(clientId, name)))
  return {
    id: group.id,
    path: groupPath(parent?.path ?? '', group),
    name: group.name,
    parent: parent?.path ?? null,
    roles: [...group.realmRoles.map(realmRole), ...ofClients],
  }
}

/** One group: who is in it has its roles, and what the groups above it give. */
function mapGroup(value: unknown): Mapped[] {
  const { path, name, parent, roles } = value as GroupRow
  const ref = groupRef(path)
  const above = parent === null ? [] : [groupRef(parent)]
  const children = [{ kind: 'entitlement', id: groupEntitlement(path) } as const, ...roles.map(roleRef), ...above]
  return [{ piece: 'definition', ref, name, valid: null }, ...children.map((child): Mapped => ({ piece: 'child', parent: ref, child }))]
}
