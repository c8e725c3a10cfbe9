import { z } from 'zod'

export const PortalUser = z.object({
  login: z.string(),
  name: z.string(),
  personnelNo: z.string(),
  mail: z.string(),
  enabled: z.boolean(),
  type: z.enum(['person', 'robot']),
  responsible: z.string(),
  createdOn: z.string(),
  lastSeen: z.string(),
})
export type PortalUser = z.infer<typeof PortalUser>

export const PortalGroup = z.object({
  id: z.string(),
  title: z.string(),
  permissions: z.array(z.string()),
  members: z.array(z.string()),
  subgroups: z.array(z.string()),
})
export type PortalGroup = z.infer<typeof PortalGroup>

export const PortalData = z.object({ users: z.array(PortalUser), groups: z.array(PortalGroup) })
export type PortalData = z.infer<typeof PortalData>

export interface PortalEvent {
  seq: number
  login: string
}

/** The manufacturing portal's own data. Every change of a user or a membership leaves an event that names the user. */
export class PortalStore {
  readonly #users: Map<string, PortalUser>
  readonly #groups: Map<string, PortalGroup>
  readonly #events: PortalEvent[] = []

  constructor(data: PortalData) {
    this.#users = new Map(data.users.map((user) => [user.login, user]))
    this.#groups = new Map(data.groups.map((group) => [group.id, group]))
  }

  users(): PortalUser[] {
    return [...this.#users.values()]
  }

  groups(): PortalGroup[] {
    return [...this.#groups.values()]
  }

  user(login: string): (PortalUser & { groups: string[] }) | undefined {
    const user = this.#users.get(login)
    return user && { ...user, groups: this.groups().filter(({ members }) => members.includes(login)).map(({ id }) => id) }
  }

  putUser(user: PortalUser): void {
    this.#users.set(user.login, user)
    this.#note(user.login)
  }

  deleteUser(login: string): void {
    this.#users.delete(login)
    this.dropMemberships(login)
    this.#note(login)
  }

  /** What a database administrator does behind the API's back: no event tells of it, and the groups still list the user. */
  purgeUser(login: string): void {
    this.#users.delete(login)
  }

  dropMemberships(login: string): void {
    for (const group of this.#groups.values()) group.members = group.members.filter((member) => member !== login)
  }

  setMember(groupId: string, login: string, member: boolean): boolean {
    const group = this.#groups.get(groupId)
    if (group === undefined) return false
    group.members = group.members.filter((other) => other !== login)
    if (member) group.members.push(login)
    this.#note(login)
    return true
  }

  putGroup(group: PortalGroup): void {
    this.#groups.set(group.id, group)
  }

  eventsAfter(seq: number): PortalEvent[] {
    return this.#events.filter((event) => event.seq > seq)
  }

  lastSeq(): number {
    return this.#events.length
  }

  #note(login: string): void {
    this.#events.push({ seq: this.#events.length + 1, login })
  }
}
