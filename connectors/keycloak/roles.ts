import { pathSegment } from '../../src/connect/address.ts'
import { ConnectError, type Mapped, type Page, type Stream } from '../../src/ports/connector.ts'
import type { AdminApi } from './client.ts'
import { chain, whole } from './chain.ts'
import type { KeycloakConfig } from './config.ts'
import { roleName, roleRef } from './names.ts'
import { Client, Role, shaped } from './shapes.ts'

/** A role with its name among all roles of the realm and its clients, and the path of its own resource. */
interface NamedRole {
  id: string
  name: string
  path: string
  composite: boolean
}

interface Composite {
  role: string
  children: string[]
}

/** Roles of the realm and of every client, and what composite roles hold. Remembers the roles, for the streams that go through them. */
export class Roles {
  readonly #api: AdminApi
  readonly #config: KeycloakConfig
  readonly #clients = new Map<string, string>()
  #known: NamedRole[] | null = null

  constructor(api: AdminApi, config: KeycloakConfig) {
    this.#api = api
    this.#config = config
  }

  streams(): Stream[] {
    return [
      { name: 'roles', classes: ['definitions'], proof: 'cursor', pages: () => this.#pages(), map: mapRole },
      { name: 'composite roles', classes: ['definitions'], proof: 'cursor', pages: () => this.#composites(), map: mapComposite },
    ]
  }

  /** All roles; read now where the stream of roles was not read to its end. */
  async all(): Promise<readonly NamedRole[]> {
    if (this.#known === null) for await (const _ of this.#pages());
    return this.#known ?? []
  }

  async *#pages(): AsyncGenerator<Page> {
    this.#known = null
    this.#clients.clear()
    const known: NamedRole[] = []
    for await (const { rows, place } of chain(this.#api, 'clients', '/clients', {}, this.#config.pageSize)) {
      for (const row of rows) {
        const { id, clientId } = shaped(Client, row, place)
        this.#clients.set(id, clientId)
      }
    }
    const holders = [{ holder: 'realm', path: '' }, ...[...this.#clients].map(([id, clientId]) => ({ holder: `client ${clientId}`, path: `/clients/${pathSegment(id, `client ${clientId}`)}` }))]
    for (const { holder, path } of holders) {
      const place = `roles of ${holder}`
      const rows = (await whole(this.#api, `${path}/roles`, { briefRepresentation: true }, place)).map((row) => {
        const role = shaped(Role, row, place)
        return { id: role.id, name: this.#nameOf(role, place), path: `${path}/roles/${pathSegment(role.name, place)}`, composite: role.composite }
      })
      known.push(...rows)
      yield { rows, place, total: null, start: null }
    }
    this.#known = known
  }

  async *#composites(): AsyncGenerator<Page> {
    for (const { id, name, composite } of await this.all()) {
      if (!composite) continue
      const place = `composites of ${name}`
      const held = await whole(this.#api, `/roles-by-id/${pathSegment(id, place)}/composites`, {}, place)
      yield { rows: [{ role: name, children: held.map((row) => this.#nameOf(shaped(Role, row, place), place)) } satisfies Composite], place, total: null, start: null }
    }
    yield { rows: [], place: 'composite roles, end', total: null, start: null }
  }

  #nameOf(role: Role, place: string): string {
    const name = roleName(role, this.#clients)
    if (name === null) throw new ConnectError('partial', `role ${role.name} belongs to a client that appeared while roles were read`, place)
    return name
  }
}

/** One role: its definition, and the entitlement of holding it. */
function mapRole(row: unknown): Mapped[] {
  const { name } = row as NamedRole
  const ref = roleRef(name)
  return [
    { piece: 'definition', ref, name, valid: null },
    { piece: 'child', parent: ref, child: { kind: 'entitlement', id: name } },
  ]
}

function mapComposite(row: unknown): Mapped[] {
  const { role, children } = row as Composite
  return children.map((child) => ({ piece: 'child', parent: roleRef(role), child: roleRef(child) }))
}
