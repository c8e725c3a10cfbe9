import type { Operation } from '../../schemas/wire/operations.ts'
import { sameAccount } from '../../src/connect/writes/same-account.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { mapUser } from './accounts.ts'
import { whole } from './chain.ts'
import type { Outcome } from './change.ts'
import type { AdminApi } from './client.ts'
import type { KeycloakConfig } from './config.ts'
import { User, shaped } from './shapes.ts'

const own = ['email', 'firstName', 'lastName']

/**
 * A user by its name, which the realm has once: so an answer that was lost makes no second one. A user who was there already is taken for
 * the one that is meant where it agrees in all that accounts are matched by; else it is somebody else's. `attributes`: email, firstName,
 * lastName, and user attributes of the realm.
 */
export async function createUser(api: AdminApi, config: KeycloakConfig, { account, attributes }: Operation, place: string): Promise<Outcome> {
  const found = await userNamed(api, account, place)
  if (found !== null) return same(config, found, attributes, place)
  const more = Object.entries(attributes).filter(([name]) => !own.includes(name))
  const user = {
    username: account, enabled: true,
    ...Object.fromEntries(Object.entries(attributes).filter(([name]) => own.includes(name))),
    ...(more.length > 0 && { attributes: Object.fromEntries(more.map(([name, value]) => [name, [value]])) }),
  }
  const { status } = await api.send('POST', '/users', user, place)
  if (status === 201) return 'applied'
  const meanwhile = await userNamed(api, account, place)
  if (meanwhile === null) throw new ConnectError('conflict', `Keycloak answered ${status}: another user has this address or the like`, place)
  return same(config, meanwhile, attributes, place)
}

/** Null where the realm has none of this name, which it keeps in lower case. */
export async function userNamed(api: AdminApi, username: string, place: string): Promise<User | null> {
  const rows = await whole(api, '/users', { username, exact: true, briefRepresentation: false }, place)
  return rows.map((row) => shaped(User, row, place)).find((user) => user.username === username.toLowerCase()) ?? null
}

function same(config: KeycloakConfig, user: User, attributes: Operation['attributes'], place: string): Outcome {
  const mapped = mapUser(config, user)
  const values = mapped.piece === 'account' ? mapped.attributes.values : {}
  return sameAccount(attributes, Object.entries(config.attributes).map(([ours, theirs]) => [theirs, values[ours]] as const), place)
}
