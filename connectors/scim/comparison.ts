import { ConnectError, MappingError, type Mapped, type Page, type Stream } from '../../src/ports/connector.ts'
import { idOf, isComplex } from './attributes.ts'
import type { ScimConfig } from './config.ts'
import { directGroupsOf, membersOf, membership } from './map.ts'

interface Pair {
  account: string
  group: string
}

/**
 * Holds who is in which group by the groups against the same by the users. What both say came with the groups; what only users
 * say is added here; and any difference makes the memberships partial, naming the first.
 */
export class MembershipComparison {
  readonly #config: ScimConfig
  /** account -> groups */
  #byGroups = new Map<string, Set<string>>()
  #byUsers = new Map<string, Set<string>>()
  #usersRead = false
  /** why the comparison can't be made for some user, and whose */
  #unreadable: { user: string; why: string } | null = null

  constructor(config: ScimConfig) {
    this.#config = config
  }

  /** A stream may be read more than once: each time counts alone. */
  beginGroups(): void {
    this.#byGroups = new Map()
  }

  beginUsers(): void {
    this.#byUsers = new Map()
    this.#usersRead = false
    this.#unreadable = null
  }

  addGroup(row: unknown): void {
    const group = idOf(row)
    if (group === null) return
    for (const account of membersOf(this.#config, row).users) {
      const groups = this.#byGroups.get(account)
      if (groups === undefined) this.#byGroups.set(account, new Set([group]))
      else groups.add(group)
    }
  }

  addUser(row: unknown): void {
    const account = idOf(row)
    if (account === null) return
    try {
      this.#byUsers.set(account, new Set(directGroupsOf(row)))
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      this.#unreadable ??= { user: account, why: error.message }
    }
  }

  endUsers(): void {
    this.#usersRead = true
  }

  stream(): Stream {
    return {
      name: 'membership comparison',
      classes: ['memberships'],
      proof: 'total',
      pages: () => asynchronous(() => this.#pages()),
      map: mapPair,
    }
  }

  *#pages(): Generator<Page> {
    const rows = [...missing(this.#byUsers, this.#byGroups)]
    const place = 'groups of users against members of groups'
    yield { rows, place, total: rows.length, start: 0 }
    if (!this.#usersRead) throw new ConnectError('partial', 'the users were not read to their end, so there is nothing to compare', place)
    if (this.#unreadable !== null) {
      const { user, why } = this.#unreadable
      throw new ConnectError('partial', `the groups of user ${user} can't be read: ${why}`, `user ${user}`)
    }
    const first = rows[0]
    if (first !== undefined) {
      throw new ConnectError('partial', `user ${first.account} lists group ${first.group}, which does not list the user`, `user ${first.account}`)
    }
    for (const { account, group } of missing(this.#byGroups, this.#byUsers)) {
      throw new ConnectError('partial', `group ${group} lists ${account}, which as a user does not list the group`, `group ${group}`)
    }
  }
}

async function* asynchronous<T>(work: () => Iterable<T>): AsyncGenerator<T> {
  yield* await Promise.resolve(work())
}

/** What `said` holds and `other` does not. */
function* missing(said: ReadonlyMap<string, Set<string>>, other: ReadonlyMap<string, Set<string>>): Generator<Pair> {
  for (const [account, groups] of said) {
    for (const group of groups) if (other.get(account)?.has(group) !== true) yield { account, group }
  }
}

function mapPair(row: unknown): Mapped[] {
  if (isComplex(row) && typeof row['account'] === 'string' && typeof row['group'] === 'string') return [membership(row['account'], row['group'])]
  throw new MappingError('not a membership', null)
}
