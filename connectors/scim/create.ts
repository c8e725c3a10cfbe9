import type { Operation } from '../../schemas/wire/operations.ts'
import { sameAccount } from '../../src/connect/writes/same-account.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { attribute, isComplex, textAt, type Complex } from './attributes.ts'
import type { ScimClient } from './client.ts'
import type { ScimConfig } from './config.ts'

const core = 'urn:ietf:params:scim:schemas:core:2.0:User'
/** Attributes that hold several values (RFC 7643, 4.1.2). */
const plural = new Set(['emails', 'phoneNumbers', 'ims', 'photos', 'addresses'])

/**
 * A user by its userName, which the service has once: so an answer that was lost makes no second one. A user who was there already is taken
 * for the one that is meant where it agrees in all that accounts are matched by; else it is somebody else's. `attributes`: by paths.
 */
export async function createUser(
  client: ScimClient, config: ScimConfig, { account, attributes }: Operation, place: string,
): Promise<'applied' | 'already'> {
  const found = await userNamed(client, config, account, place)
  if (found !== null) return same(config, found, attributes, place)
  try {
    await client.create(config.users.path, resourceOf(account, attributes), place)
    return 'applied'
  } catch (error) {
    if (!(error instanceof ConnectError && error.class === 'conflict')) throw error
    const meanwhile = await userNamed(client, config, account, place)
    if (meanwhile === null) throw error
    return same(config, meanwhile, attributes, place)
  }
}

/** Null where the service finds none of this name; one that does not know the filter may find others, who are not taken. */
export async function userNamed(client: ScimClient, config: ScimConfig, userName: string, place: string): Promise<Complex | null> {
  const { rows } = await client.list(config.users.path, { filter: `userName eq ${JSON.stringify(userName)}` }, place)
  const isNamed = (row: unknown): row is Complex => isComplex(row) && String(attribute(row, 'userName')).toLowerCase() === userName.toLowerCase()
  return rows.find(isNamed) ?? null
}

const same = ({ users }: ScimConfig, user: Complex, attributes: Operation['attributes'], place: string): 'already' =>
  sameAccount(attributes, Object.values(users.attributes).map((path) => [path, textAt(user, path, null)] as const), place)

/** `[urn:]attribute[.part]` by path, as the reads have it, put together to a resource. */
export function resourceOf(userName: string, attributes: Operation['attributes']): Complex {
  const resource: Record<string, unknown> = { userName, active: true }
  const schemas = [core]
  for (const [path, value] of Object.entries(attributes)) {
    const schemaEnd = path.startsWith('urn:') ? path.lastIndexOf(':') : -1
    const [name = '', part] = path.slice(schemaEnd + 1).split('.')
    const holder = schemaEnd < 0 ? resource : record(resource, path.slice(0, schemaEnd))
    if (schemaEnd >= 0) schemas.push(path.slice(0, schemaEnd))
    if (plural.has(name)) holder[name] = [{ [part ?? 'value']: value, primary: true }]
    else if (part === undefined) holder[name] = value
    else record(holder, name)[part] = value
  }
  return { schemas: [...new Set(schemas)], ...resource }
}

function record(of: Record<string, unknown>, name: string): Record<string, unknown> {
  if (!Object.hasOwn(of, name)) of[name] = {}
  return of[name] as Record<string, unknown>
}
