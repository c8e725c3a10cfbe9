import { ConnectError, MappingError, type ConnectorSession, type Mapped, type ObservedClass, type Page, type Stream } from '../../src/ports/connector.ts'

export interface World {
  roles: { id: string; name: string; children: string[] }[]
  groups: { id: string; members: string[] }[]
  users: { id: string; name: string; roles: string[] }[]
}

export type StreamName = keyof World

/**
 * What goes wrong, in one stream, at one page (from 0). `drop`: the page never comes, positions go on. `hide`: the same, and
 * positions pretend that nothing is missing. `repeat`: it comes again in place of the next. `shorten`: its last row is missing.
 * `move`: a row appears in front and the last one goes while the page is read. `die`: an error instead of it. `empty`: an empty
 * page in front of it.
 */
export interface Fault {
  kind: 'drop' | 'hide' | 'repeat' | 'shorten' | 'move' | 'die' | 'empty'
  stream: StreamName
  page: number
  /** only in the first read of the stream */
  once?: boolean
}

export interface FlakyOptions {
  world: World
  fault?: Fault
  proof?: Stream['proof']
  pageRows?: number
  /** after a page was delivered */
  onPage?: (stream: StreamName, page: number) => void
}

/** An application with offset paging and totals, in memory, that misbehaves as told. Counts what the runtime does with it. */
export class FlakySource {
  opened = 0
  closed = 0
  readonly reads: Record<StreamName, number> = { roles: 0, groups: 0, users: 0 }
  readonly #options: FlakyOptions

  constructor(options: FlakyOptions) {
    this.#options = options
  }

  readonly open = (): Promise<ConnectorSession> => {
    this.opened += 1
    const stream = (name: StreamName, classes: readonly ObservedClass[]): Stream => ({
      name,
      classes,
      proof: this.#options.proof ?? 'total',
      pages: () => this.#pages(name),
      map: mappings[name],
    })
    const streams = [
      stream('roles', ['definitions']),
      stream('groups', ['definitions', 'memberships']),
      stream('users', ['accounts', 'memberships']),
    ]
    return Promise.resolve({
      streams,
      close: () => {
        this.closed += 1
        return Promise.resolve()
      },
    })
  }

  async *#pages(name: StreamName): AsyncGenerator<Page> {
    const { world, pageRows = 2, onPage } = this.#options
    this.reads[name] += 1
    const fault = this.#faultOf(name)
    let rows: readonly { id: string }[] = world[name]
    let page = 0
    let hidden = 0
    for (let offset = 0; offset < rows.length || page === 0; offset += pageRows, page++) {
      const here = fault !== null && fault.page === page ? fault.kind : null
      const place = `${name} page ${page}`
      await Promise.resolve()
      if (here === 'die') throw new ConnectError('transient', 'the connection broke', place)
      if (here === 'empty') yield { rows: [], place: `${place} (empty)`, total: rows.length, start: null }
      let content = rows.slice(offset, offset + pageRows)
      if (here === 'drop') continue
      if (here === 'hide') {
        hidden = content.length
        continue
      }
      if (here === 'shorten') content = content.slice(0, -1)
      yield { rows: content, place, total: rows.length, start: offset - hidden }
      onPage?.(name, page)
      if (here === 'repeat') {
        yield { rows: content, place: `${place} again`, total: rows.length, start: offset + pageRows - hidden }
        offset += pageRows
      }
      if (here === 'move') rows = [{ ...rows[0], id: `${name}-new` }, ...rows.slice(0, -1)]
    }
  }

  #faultOf(name: StreamName): Fault | null {
    const { fault } = this.#options
    return fault?.stream === name && (fault.once !== true || this.reads[name] === 1) ? fault : null
  }
}

/** `users` users, each in one of three roles and one of three groups; there are more of both. */
export function makeWorld(users = 8): World {
  const ids = Array.from({ length: users }, (_, at) => `u${String(at).padStart(2, '0')}`)
  return {
    roles: ['admin', 'clerk', 'viewer', 'audit', 'ops'].map((id) => ({ id, name: `Role ${id}`, children: [`${id}.read`, `${id}.write`] })),
    groups: ['g1', 'g2', 'g3', 'g4', 'g5'].map((id, at) => ({ id, members: ids.filter((_, user) => user % 3 === at) })),
    users: ids.map((id, at) => ({ id, name: `User ${id}`, roles: [['admin', 'clerk', 'viewer'][at % 3] ?? 'admin'] })),
  }
}

const mappings: Record<StreamName, (row: unknown) => Mapped[]> = {
  roles: (row) => {
    const { id, name, children } = row as World['roles'][number]
    const ref = { kind: 'role', id } as const
    return [
      { piece: 'definition', ref, name, valid: null },
      ...children.map((child): Mapped => ({ piece: 'child', parent: ref, child: { kind: 'entitlement', id: child } })),
    ]
  },
  groups: (row) => {
    const { id, members } = row as World['groups'][number]
    const ref = { kind: 'group', id } as const
    return [
      { piece: 'definition', ref, name: null, valid: null },
      ...members.map((account): Mapped => ({ piece: 'membership', account, ref, valid: null })),
    ]
  },
  users: (row) => {
    const { id, name, roles } = row as World['users'][number]
    if (name === 'broken') throw new MappingError('the user has no name', id)
    if (name === 'nameless') throw new MappingError('the user has no id', null)
    return [
      {
        piece: 'account', id, valid: null,
        attributes: { kind: 'human', status: 'active', display: name, created: null, lastUsed: null, owner: null, values: {} },
      },
      ...roles.map((role): Mapped => ({ piece: 'membership', account: id, ref: { kind: 'role', id: role }, valid: null })),
    ]
  },
}
