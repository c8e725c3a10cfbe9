import type { Operation } from '../../schemas/wire/operations.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import { ConnectError, type WriteSide } from '../../src/ports/connector.ts'
import { attribute, idOf, isComplex, valueOf, valuesAt, type Complex } from './attributes.ts'
import type { PatchOperation, ScimClient } from './client.ts'
import type { ScimConfig } from './config.ts'
import { createUser, userNamed } from './create.ts'

type Outcome = 'applied' | 'already'

/** One value of one multi-valued attribute of one resource: what a grant comes to. */
interface Target {
  path: string
  id: string
  list: 'members' | 'roles' | 'entitlements'
  value: string
}

/**
 * Corrections by PATCH: one value is added or removed, never a list replaced. What is changed is read first, and where the service
 * gives versions the change holds for that one only (If-Match); who came in between is looked at once more.
 */
export function writeSide(client: ScimClient, config: ScimConfig): WriteSide {
  const carryOut = (operation: Operation, place: string): Promise<Outcome> => {
    const { name, account } = operation
    const users = config.users.path
    switch (name) {
      case 'create-account':
        return createUser(client, config, operation, place)
      case 'grant':
      case 'revoke': {
        const { path, id, list, value } = targetOf(config, operation)
        return change(client, path, id, place, (resource) => valueChange(resource, list, value, name === 'grant'))
      }
      case 'enable-account':
      case 'disable-account':
        return change(client, users, account, place, (resource) => activeChange(resource, name === 'enable-account'))
      case 'delete-account':
        return client.remove(users, account, place).then((wasThere) => (wasThere ? 'applied' : 'already'))
      default:
        throw new ConnectError('configuration', `scim can't ${name}`, place)
    }
  }
  return {
    operations: ['create-account', 'grant', 'revoke', 'enable-account', 'disable-account', 'delete-account'],
    steps: ({ name }) => [name],
    located: async (name) => idOf(await userNamed(client, config, name, `user ${name}`)),
    async ensure(operation) {
      const place = `${operation.name} of ${operation.account}`
      return await carryOut(operation, place)
    },
  }
}

async function change(
  client: ScimClient, path: string, id: string, place: string, ask: (resource: Complex) => PatchOperation | null,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const found = await client.versioned(path, id, place)
    if (found === null || !isComplex(found.resource)) throw new ConnectError('not-found', `there is no ${path}/${id}`, place)
    const operation = ask(found.resource)
    if (operation === null) return 'already'
    try {
      await client.patch(path, id, found.etag, operation, place)
      return 'applied'
    } catch (error) {
      const isOvertaken = error instanceof ConnectError && error.class === 'conflict' && found.etag !== null
      if (!isOvertaken || attempt > 1) throw error
    }
  }
}

function valueChange(resource: Complex, list: Target['list'], value: string, wanted: boolean): PatchOperation | null {
  const held = valuesAt(resource, list, null).some((entry) => valueOf(entry, list, null) === value)
  if (held === wanted) return null
  return wanted ? { op: 'add', path: list, value: [{ value }] } : { op: 'remove', path: `${list}[value eq ${JSON.stringify(value)}]` }
}

function activeChange(resource: Complex, active: boolean): PatchOperation | null {
  return (attribute(resource, 'active') ?? true) === active ? null : { op: 'replace', path: 'active', value: active }
}

/** A group, or an entitlement as the reads call it: `group:<id>`, `role:<value>`, `entitlement:<value>`. */
function targetOf(config: ScimConfig, { account, ref }: Operation): Target {
  const [prefix, value] = named(ref)
  switch (prefix) {
    case 'group':
      return { path: config.groupsPath, id: value, list: 'members', value: account }
    case 'role':
      return { path: config.users.path, id: account, list: 'roles', value }
    case 'entitlement':
      return { path: config.users.path, id: account, list: 'entitlements', value }
    default:
      throw new ConnectError('schema', 'groups, and values of roles and entitlements, are granted and revoked', ref === null ? 'nothing' : `${ref.kind} ${ref.id}`)
  }
}

function named(ref: Ref | null): [prefix: string, value: string] {
  if (ref === null || ref.kind === 'role') return ['', '']
  if (ref.kind === 'group') return ['group', ref.id]
  const colon = ref.id.indexOf(':')
  return [ref.id.slice(0, Math.max(0, colon)), ref.id.slice(colon + 1)]
}
