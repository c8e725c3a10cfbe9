import { z } from 'zod'
import type { Operation } from '../../../schemas/wire/operations.ts'
import { pathSegment } from '../../../src/connect/address.ts'
import {
  MappingError, ConnectError, type ConnectorType, type HttpRequest, type HttpResponse, type Mapped, type Page, type Platform, type Stream,
  type WriteSide,
} from '../../../src/ports/connector.ts'
import { PortalGroup, PortalUser } from './store.ts'

/** Acme's manufacturing portal: two paged lists and an event list behind an admin key. Everything else is the platform's. */
const PortalConfig = z.strictObject({
  baseUrl: z.url().describe('https://host[:port] of the portal'),
  adminKey: z.string().describe('secret reference'),
  pageSize: z.int().min(1).max(500).default(200),
})
type PortalConfig = z.infer<typeof PortalConfig>

const List = z.object({ items: z.array(z.unknown()), page: z.int(), total: z.int() })
const Events = z.object({ items: z.array(z.object({ seq: z.int(), login: z.string() })), last: z.int() })
const SingleUser = PortalUser.extend({ groups: z.array(z.string()) })

export const connector: ConnectorType<PortalConfig> = {
  kind: 'acme-portal',
  summary: 'the manufacturing portal’s admin API',
  config: PortalConfig,
  async open(config, platform) {
    const send = await client(config, platform)
    const get: Get = (path) => send('GET', path)
    const list = (name: string, stream: Pick<Stream, 'classes' | 'map'>): Stream => ({ name, proof: 'total', ...stream, pages: () => pages(get, name, config.pageSize) })
    return {
      streams: [
        list('groups', { classes: ['definitions', 'memberships'], map: mapGroup }),
        list('users', { classes: ['accounts'], map: mapUser }),
      ],
      async readOne(login) {
        const response = await get(userPath(login))
        if (response.status === 404) {
          const control = await get('users?per_page=1')
          if (control.status === 200 && List.parse(JSON.parse(control.body)).items.length > 0) return null
          throw new ConnectError('partial', 'not found, but neither is anybody else', `users/${login}`)
        }
        const user = SingleUser.parse(JSON.parse(ok(response, `users/${login}`)))
        return [...mapUser(user), ...user.groups.map((id): Mapped => ({ piece: 'membership', account: login, ref: { kind: 'group', id }, valid: null }))]
      },
      async changes(cursor) {
        const read = async (after: string): Promise<z.infer<typeof Events>> => Events.parse(JSON.parse(ok(await get(`events?after=${after}`), 'events')))
        let events = await read(cursor ?? '0')
        if (Number(cursor) > events.last) events = await read('0') // the portal restarted: its numbers begin again
        return { accounts: cursor === null ? [] : [...new Set(events.items.map(({ login }) => login))], cursor: String(events.last) }
      },
      write: writeSide(send),
      close: async () => undefined,
    }
  },
}

type Get = (path: string) => Promise<HttpResponse>
type Send = (method: HttpRequest['method'], path: string, body?: unknown) => Promise<HttpResponse>

const userPath = (login: string): string => `users/${pathSegment(login, 'users')}`

async function client(config: PortalConfig, platform: Platform): Promise<Send> {
  const key = await platform.secret(config.adminKey)
  return (method, path, body) => platform.http.request({
    method,
    url: `${config.baseUrl}/admin/v2/${path}`,
    headers: { 'x-admin-key': key, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** A user is enabled and disabled by replacing the record, a group's members one by one; permissions are given by groups only. */
function writeSide(send: Send): WriteSide {
  return {
    operations: ['create-account', 'enable-account', 'disable-account', 'grant', 'revoke'],
    steps: ({ name }) => [name],
    async ensure(operation) {
      const { account, name } = operation
      const user = userPath(account)
      const found = await send('GET', user)
      if (name === 'create-account') {
        if (found.status === 200) return 'already'
        ok(await send('PUT', user, newUser(operation)), user)
        return 'applied'
      }
      if (found.status === 404) throw new ConnectError('not-found', `the portal has no user ${account}`, user)
      const { groups, ...known } = SingleUser.parse(JSON.parse(ok(found, user)))
      if (name === 'enable-account' || name === 'disable-account') {
        const enabled = name === 'enable-account'
        if (known.enabled === enabled) return 'already'
        ok(await send('PUT', user, { ...known, enabled }), user)
        return 'applied'
      }
      const group = groupOf(operation)
      if (groups.includes(group) === (name === 'grant')) return 'already'
      const member = `groups/${pathSegment(group, 'groups')}/members/${pathSegment(account, 'users')}`
      const answer = await send(name === 'grant' ? 'PUT' : 'DELETE', member)
      if (answer.status === 404) throw new ConnectError('not-found', `the portal has no group ${group}`, member)
      if (answer.status !== 204) ok(answer, member)
      return 'applied'
    },
  }
}

/** Today, as the portal writes dates: whoever sees the account next has to have used it first. */
function newUser({ account, attributes }: Operation): PortalUser {
  const today = new Date().toISOString().slice(0, 10)
  const { name = account, personnelNo = '', mail = '' } = attributes
  return { login: account, name, personnelNo, mail, enabled: true, type: 'person', responsible: '', createdOn: today, lastSeen: '' }
}

function groupOf({ ref }: Operation): string {
  if (ref?.kind === 'group') return ref.id
  throw new ConnectError('schema', `the portal gives access by groups only, not by ${ref === null ? 'nothing' : `${ref.kind} ${ref.id}`}: name a group in remedy.assign`, 'groups')
}

function ok(response: HttpResponse, place: string): string {
  if (response.status !== 200) throw new ConnectError(response.status === 401 ? 'authentication' : 'fatal', `the portal answered ${response.status}`, place)
  return response.body
}

/** Walks a list until a page is empty: a short page proves nothing. */
async function* pages(get: Get, name: string, pageSize: number): AsyncIterable<Page> {
  for (let page = 1; ; page++) {
    const place = `${name} page ${page}`
    const { items, total } = List.parse(JSON.parse(ok(await get(`${name}?page=${page}&per_page=${pageSize}`), place)))
    yield { rows: items, place, total, start: (page - 1) * pageSize }
    if (items.length === 0) return
  }
}

export function mapGroup(row: unknown): Mapped[] {
  const group = parse(PortalGroup, row, 'id')
  const ref = { kind: 'group' as const, id: group.id }
  return [
    { piece: 'definition', ref, name: group.title, valid: null },
    ...group.permissions.map((id): Mapped => ({ piece: 'child', parent: ref, child: { kind: 'entitlement', id } })),
    // whoever is in a subgroup is in this group too
    ...group.subgroups.map((id): Mapped => ({ piece: 'child', parent: { kind: 'group', id }, child: ref })),
    ...group.members.map((account): Mapped => ({ piece: 'membership', account, ref, valid: null })),
  ]
}

export function mapUser(row: unknown): Mapped[] {
  const user = parse(PortalUser, row, 'login')
  return [
    {
      piece: 'account',
      id: user.login,
      valid: null,
      attributes: {
        kind: user.type === 'robot' ? 'service' : 'human',
        status: user.enabled ? 'active' : 'disabled',
        display: user.name,
        created: time(user.createdOn),
        lastUsed: time(user.lastSeen),
        owner: user.responsible || null,
        values: { personnelNo: user.personnelNo, mail: user.mail },
      },
    },
  ]
}

function parse<T>(schema: z.ZodType<T>, row: unknown, idField: string): T {
  const result = schema.safeParse(row)
  if (result.success) return result.data
  const id = (row as Record<string, unknown> | null)?.[idField]
  throw new MappingError(z.prettifyError(result.error), typeof id === 'string' ? id : null)
}

function time(text: string): number | null {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

export default connector
