import { Table } from './table.ts'

/** What a hostile application holds. Ids are as odd as real ones are: spaces, slashes, quotes, percent signs, other alphabets, leading zeros. */
export interface User {
  id: string
  name: string
  mail: string
  kind: 'person' | 'robot'
  active: boolean
  owner: string
  /** ISO 8601 with zone */
  created: string
  keys: { id: string; created: string; expires: string }[]
}

export interface Group {
  id: string
  name: string
  permissions: string[]
  members: string[]
  subgroups: string[]
}

const oddIds = ['o’brien', 'ann b', 'a/b', '50%', 'semi;colon,comma', '"quoted"', 'köhler', '名前', '😀', '000123', 'plus+minus', 'under_score', 'UPPER', 'q?x=1&y=2#z']

/** The application's own data, with every change noted in order. */
export class World {
  readonly users = new Table<User>()
  readonly groups = new Table<Group>()
  /** ids of users in the order in which they changed */
  readonly changes: string[] = []
  /** what requests really changed, in order: `grant ann g0`, `disable ann`; a request that changed nothing is not among it */
  readonly effects: string[] = []
  /** answers to requests with an idempotency key, by key */
  readonly answered = new Map<string, unknown>()
  #shown: World | null = null

  /** What reads are answered from: this, or what it was when reads fell behind. */
  get shown(): World {
    return this.#shown ?? this
  }

  /** From now on reads show everything as it is now, whatever is written, until they catch up. */
  fallBehind(): void {
    this.#shown ??= this.copy()
  }

  catchUp(): void {
    this.#shown = null
  }

  /** `size` users, the odd ids among the first; each in up to three of `groups` groups, which nest in a ring of two. */
  static corpus(size: number, groups = 4): World {
    const world = new World()
    for (let at = 0; at < size; at++) world.users.set(userId(at), userOf(at))
    const all = [...world.users.keys()]
    for (let at = 0; at < groups; at++) {
      world.groups.set(`g${at}`, {
        id: `g${at}`, name: `Group ${at}`, permissions: [`perm.${at}`, 'perm.shared'], subgroups: at < 2 ? [`g${1 - at}`] : [],
        members: all.filter((_, user) => (user + at) % 3 === 0 && at < groups - 1),
      })
    }
    return world
  }

  copy(): World {
    const copy = new World()
    for (const user of this.users.values()) copy.users.set(user.id, structuredClone(user))
    for (const group of this.groups.values()) copy.groups.set(group.id, structuredClone(group))
    copy.changes.push(...this.changes)
    return copy
  }

  /** A new user, first in every list: what comes after it moves by one. */
  insertFirst(id: string): void {
    const rest = [...this.users.values()]
    this.users.clear()
    this.users.set(id, { ...userOf(0), id, name: `New ${id}`, keys: [] })
    for (const user of rest) this.users.set(user.id, user)
    this.changes.push(id)
  }

  /** The same users, listed the other way round: a source that does not sort. */
  turnRound(): void {
    const all = [...this.users.values()].reverse()
    this.users.clear()
    for (const user of all) this.users.set(user.id, user)
  }

  put(user: User): void {
    this.users.set(user.id, user)
    this.changes.push(user.id)
  }

  remove(id: string): boolean {
    const known = this.users.delete(id)
    for (const group of this.groups.values()) group.members = group.members.filter((member) => member !== id)
    this.changes.push(id)
    return known
  }

  /** False where group or user is not there. */
  setMember(group: string, user: string, member: boolean): boolean {
    const of = this.groups.get(group)
    if (of === undefined || !this.users.has(user)) return false
    of.members = of.members.filter((other) => other !== user)
    if (member) of.members.push(user)
    this.changes.push(user)
    return true
  }

  groupsOf(user: string): string[] {
    return [...this.groups.values()].filter(({ members }) => members.includes(user)).map(({ id }) => id)
  }
}

const userId = (at: number): string => oddIds[at] ?? `u${String(at).padStart(7, '0')}`

function userOf(at: number): User {
  const id = userId(at)
  const robot = at % 7 === 6
  return {
    id,
    name: `User ${at}`,
    mail: `user${at}@hostile.example`,
    kind: robot ? 'robot' : 'person',
    active: at % 5 !== 4,
    owner: robot ? 'user0@hostile.example' : '',
    created: new Date(Date.UTC(2020, 0, 1 + (at % 1_000))).toISOString(),
    keys: robot ? [{ id: `key-${at}`, created: '2024-01-01T00:00:00Z', expires: '2027-01-01T00:00:00Z' }] : [],
  }
}
