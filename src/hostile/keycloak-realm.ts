import type { Group, User, World } from './world.ts'

type Row = Record<string, unknown>

export const realmName = 'hostile'
/** every user of the realm holds it directly */
const defaultRole = `default-roles-${realmName}`
const builtIn = [defaultRole, 'offline_access']
/** the client that one permission is a role of */
const application = 'app'
const ofApplication = 'perm.shared'

/** What being in a group of the corpus is: being in a group of the realm, whose role gives its permissions; or holding that role directly. */
export type Assigned = 'groups' | 'roles'

interface Role {
  name: string
  ofClient: boolean
  composite: boolean
}

/**
 * A corpus as a realm: robots are the service accounts of clients, permissions are roles, the role of a group is composite of them and of the roles of
 * the groups that it is a subgroup of (composite roles may turn in a circle, the tree of groups can't). Users are called by their id in lower
 * case; the group `g3` lies inside `g2`.
 */
export class Realm {
  readonly #world: World
  readonly #assigned: Assigned

  constructor(world: World, assigned: Assigned) {
    this.#world = world
    this.#assigned = assigned
  }

  get persons(): User[] {
    return [...this.#world.users.values()].filter(({ kind }) => kind === 'person')
  }

  user(id: string): User | undefined {
    return this.#world.users.get(id)
  }

  group(id: string): Group | undefined {
    return this.#groups.find((group) => group.id === id)
  }

  groupsOf(user: string): Group[] {
    return this.#groups.filter(({ members }) => members.includes(user))
  }

  /** `parent`: null for those at the top. */
  groupsIn(parent: string | null): Group[] {
    return this.#groups.filter(({ id }) => this.#parentOf(id) === parent)
  }

  get groupCount(): number {
    return this.#groups.length
  }

  realmRoles(): Role[] {
    const permissions = new Set([...this.#world.groups.values()].flatMap((group) => group.permissions))
    permissions.delete(ofApplication)
    return [...builtIn, ...this.#world.groups.keys(), ...permissions].map((name) => this.#role(name))
  }

  realmRole(name: string): Role | undefined {
    const { groups } = this.#world
    const isRole = builtIn.includes(name) || groups.has(name) || (name !== ofApplication && [...groups.values()].some(({ permissions }) => permissions.includes(name)))
    return isRole ? this.#role(name) : undefined
  }

  clientRoles(client: string): Role[] {
    return client === clientIdOf(application) ? [this.#role(ofApplication)] : []
  }

  compositesOf(name: string): Role[] {
    if (name === defaultRole) return [this.#role('offline_access')]
    const above = [...this.#world.groups.values()].filter(({ subgroups }) => subgroups.includes(name)).map(({ id }) => id)
    return [...(this.#world.groups.get(name)?.permissions ?? []), ...above].map((held) => this.#role(held))
  }

  /** Ids of who holds the role directly. */
  holdersOf(name: string): string[] {
    if (name === defaultRole) return [...this.#world.users.keys()]
    return this.#assigned === 'roles' ? [...(this.#world.groups.get(name)?.members ?? [])] : []
  }

  rolesOf(user: string): Role[] {
    return [defaultRole, ...(this.#assigned === 'roles' ? this.#world.groupsOf(user) : [])].map((name) => this.#role(name))
  }

  /** With their secrets, as Keycloak sends them. */
  clientRows(): Row[] {
    const plain = { enabled: true, clientAuthenticatorType: 'client-secret', publicClient: false }
    const robots = [...this.#world.users.values()].filter(({ kind }) => kind === 'robot')
    return [
      { id: clientIdOf(application), clientId: application, serviceAccountsEnabled: false, ...plain, attributes: {} },
      ...robots.map(({ id, owner, keys: [key] }) => ({
        id: clientIdOf(id), clientId: id, serviceAccountsEnabled: true, ...plain, secret: `the secret of ${id}`,
        attributes: { team: owner, ...(key !== undefined && { 'client.secret.creation.time': seconds(key.created), 'client.secret.expiration.time': seconds(key.expires) }) },
      })),
    ]
  }

  /** A brief one has no roles and attributes. */
  groupRow({ id }: Group, brief: boolean): Row {
    const parent = this.#parentOf(id)
    return {
      id, name: id, path: parent === null ? `/${id}` : `/${parent}/${id}`, ...(parent !== null && { parentId: parent }), subGroupCount: this.groupsIn(id).length, subGroups: [],
      ...(!brief && { attributes: {}, realmRoles: [id], clientRoles: {} }),
    }
  }

  get #groups(): Group[] {
    return this.#assigned === 'groups' ? [...this.#world.groups.values()] : []
  }

  #parentOf(id: string): string | null {
    return id === 'g3' && this.#world.groups.has('g2') ? 'g2' : null
  }

  #role(name: string): Role {
    return { name, ofClient: name === ofApplication, composite: name === defaultRole || this.#world.groups.has(name) }
  }
}

export const clientIdOf = (clientId: string): string => `client:${clientId}`
const seconds = (time: string): string => String(Date.parse(time) / 1_000)

export const roleRow = ({ name, ofClient, composite }: Role): Row => ({
  id: `role:${name}`, name, composite, clientRole: ofClient, containerId: ofClient ? clientIdOf(application) : realmName,
})

const usernameOf = ({ id, kind }: Pick<User, 'id' | 'kind'>): string => `${kind === 'robot' ? 'service-account-' : ''}${id}`.toLowerCase()

export const userRow = (user: User): Row => ({
  id: user.id, username: usernameOf(user), firstName: user.name, ...(user.mail !== '' && { email: user.mail }), emailVerified: false, enabled: user.active,
  createdTimestamp: Date.parse(user.created), totp: false, disableableCredentialTypes: [], requiredActions: [], notBefore: 0,
})
