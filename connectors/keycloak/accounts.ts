import { z } from 'zod'
import { pathSegment } from '../../src/connect/address.ts'
import { byPosition } from '../../src/connect/paging/by-position.ts'
import type { Endpoint } from '../../src/connect/paging/endpoint.ts'
import { ConnectError, type Mapped, type Page, type Stream } from '../../src/ports/connector.ts'
import { chain } from './chain.ts'
import type { AdminApi } from './client.ts'
import type { KeycloakConfig } from './config.ts'
import { Client, User, row, shaped } from './shapes.ts'

const Rows = z.array(z.unknown())
const Identified = z.object({ id: z.string() })

/** Users of the realm by position, under its own count, which like the list leaves service accounts out. */
export function userStream(api: AdminApi, config: KeycloakConfig): Stream {
  const strategy = byPosition({ start: 'first', count: 'max', base: 0 })
  const endpoint: Endpoint = {
    name: 'users',
    pageSize: config.pageSize,
    idOf: (value) => Identified.safeParse(value).data?.id ?? null,
    async ask({ parameters }, place) {
      const rows = shaped(Rows, await api.get('/users', { ...parameters, briefRepresentation: false }, place), place)
      return { rows, total: shaped(z.int(), await api.get('/users/count', {}, place), place), start: null, next: null }
    },
  }
  return {
    name: 'users',
    classes: ['accounts'],
    proof: strategy.proof,
    pages: (from) => strategy.walk(endpoint, from ?? null),
    map: (value) => [mapUser(config, row(User, value))],
  }
}

/** A client that may log in by itself, with the user that stands for it. No secret: when it was made and when it ends. */
interface ServiceAccount {
  clientId: string
  enabled: boolean
  user: User
  owner: string | null
  credentials: Dated[]
}

export function serviceAccountStream(api: AdminApi, config: KeycloakConfig): Stream {
  async function* pages(): AsyncGenerator<Page> {
    for await (const { rows, place } of chain(api, 'clients', '/clients', {}, config.pageSize)) {
      const accounts: ServiceAccount[] = []
      for (const value of rows) {
        const account = await serviceAccountOf(api, config, shaped(Client, value, place))
        if (account !== null) accounts.push(account)
      }
      yield { rows: accounts, place, total: null, start: null }
    }
  }
  return { name: 'service accounts', classes: ['accounts', 'credentials'], proof: 'cursor', pages, map: (value) => mapServiceAccount(value as ServiceAccount) }
}

/** Null where the client has none. */
export async function serviceAccountOf(api: AdminApi, config: KeycloakConfig, client: Client): Promise<ServiceAccount | null> {
  if (!client.serviceAccountsEnabled) return null
  const place = `service account of client ${client.clientId}`
  const user = await api.get(`/clients/${pathSegment(client.id, place)}/service-account-user`, {}, place)
  if (user === null) throw new ConnectError('partial', 'the client is gone since it was listed', place)
  return {
    clientId: client.clientId,
    enabled: client.enabled,
    user: shaped(User, user, place),
    owner: config.ownerAttribute === null ? null : (client.attributes[config.ownerAttribute] ?? null),
    // by none of them can a disabled client log in
    credentials: client.enabled ? credentialsOf(client) : [],
  }
}

interface Dated {
  kind: string
  created: number | null
  expires: number | null
}

/** What a client logs in by: its secret, and the one before where that still counts. Without the secrets. */
export function credentialsOf({ attributes, clientAuthenticatorType: kind }: Client): Dated[] {
  const seconds = (name: string): number | null => {
    const text = attributes[name]
    return typeof text === 'string' && /^\d{1,12}$/.test(text) && text !== '0' ? Number(text) * 1000 : null
  }
  const rotated = seconds('client.secret.rotated.creation.time')
  return [
    { kind, created: seconds('client.secret.creation.time'), expires: seconds('client.secret.expiration.time') },
    ...(rotated === null ? [] : [{ kind: rotatedSecret, created: rotated, expires: seconds('client.secret.rotated.expiration.time') }]),
  ]
}

export const rotatedSecret = 'rotated-secret'

/** A client that is disabled may not log in, whatever its user says. */
export function mapServiceAccount({ clientId, enabled, user, owner, credentials }: ServiceAccount): Mapped[] {
  const attributes = {
    kind: 'service', status: enabled ? statusOf(user) : 'disabled', display: clientId, created: user.createdTimestamp ?? null, lastUsed: null, owner,
    values: { clientId, username: user.username },
  } as const
  return [
    { piece: 'account', id: user.id, valid: null, attributes },
    ...credentials.map(({ kind, created, expires }): Mapped => ({
      piece: 'credential', account: user.id, credential: { id: `${clientId}:${kind}`, kind, created, lastUsed: null, expires },
    })),
  ]
}

export function mapUser(config: KeycloakConfig, user: User): Mapped {
  const own: Readonly<Record<string, string | null | undefined>> = {
    username: user.username, email: user.email, firstName: user.firstName, lastName: user.lastName,
  }
  const values: Record<string, string> = {}
  for (const [ours, theirs] of Object.entries(config.attributes)) {
    const value = Object.hasOwn(own, theirs) ? own[theirs] : user.attributes[theirs]?.[0]
    if (typeof value === 'string' && value !== '') values[ours] = value
  }
  const name = [user.firstName, user.lastName].filter((part) => typeof part === 'string' && part !== '').join(' ')
  return {
    piece: 'account',
    id: user.id,
    valid: null,
    attributes: {
      kind: 'human', status: statusOf(user), display: name === '' ? user.username : name, created: user.createdTimestamp ?? null,
      lastUsed: null, owner: null, values,
    },
  }
}

const statusOf = ({ enabled }: User) => (enabled ? 'active' : 'disabled')
