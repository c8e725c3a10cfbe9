import { MappingError, type Mapped } from '../../src/ports/connector.ts'
import { attribute, idOf, isComplex, textAt, timeAt, valueOf, valuesAt, type Complex } from './attributes.ts'
import type { ScimConfig } from './config.ts'

/** One user: the account, its grants, and its memberships where users say who is in a group. Pure. Throws MappingError. */
export function mapUser(config: ScimConfig, row: unknown): Mapped[] {
  const { resource: user, id } = identified(row)
  const values: Record<string, string> = {}
  for (const [name, path] of Object.entries(config.users.attributes)) {
    const value = textAt(user, path, id)
    if (value !== null) values[name] = value
  }
  const account: Mapped = {
    piece: 'account',
    id,
    valid: timeAt(user, 'meta.lastModified', id),
    attributes: {
      kind: kindOf(config, user, id),
      status: isActive(user, id) ? 'active' : 'disabled',
      display: textAt(user, 'displayName', id) ?? textAt(user, 'name.formatted', id) ?? textAt(user, 'userName', id),
      created: timeAt(user, 'meta.created', id),
      lastUsed: config.users.lastUsed === null ? null : timeAt(user, config.users.lastUsed, id),
      owner: config.users.owner === null ? null : textAt(user, config.users.owner, id),
      values,
    },
  }
  const memberships = config.groups === 'user-groups' ? valuesAt(user, 'groups', id).map((group) => valueOf(group, 'groups', id)) : []
  return [
    account,
    ...unique(memberships).map((group) => membership(id, group)),
    ...(config.roles === 'grants' ? grants(user, id, 'roles', 'role:') : []),
    ...(config.entitlements === 'grants' ? grants(user, id, 'entitlements', 'entitlement:') : []),
  ]
}

/** One group: its definition, the entitlement of holding it, the groups inside it, and its members where groups name them. */
export function mapGroup(config: ScimConfig, row: unknown): Mapped[] {
  const { resource: group, id } = identified(row)
  const ref = { kind: 'group', id } as const
  const definition: Mapped = { piece: 'definition', ref, name: textAt(group, 'displayName', id), valid: null }
  const holding: Mapped = { piece: 'child', parent: ref, child: { kind: 'entitlement', id: `group:${id}` } }
  if (config.groups === 'user-groups') return [definition, holding]
  const members = membersOf(config, row)
  // Who is in an inner group has what the outer one gives: the outer group is the inner one's child.
  const nested = members.groups.map((inner): Mapped => ({ piece: 'child', parent: { kind: 'group', id: inner }, child: ref }))
  return [definition, holding, ...nested, ...members.users.map((account) => membership(account, id))]
}

interface Members {
  users: string[]
  groups: string[]
}

/** The direct members of a group, each once. */
export function membersOf(config: ScimConfig, row: unknown): Members {
  const { resource: group, id } = identified(row)
  const members: Members = { users: [], groups: [] }
  for (const entry of valuesAt(group, 'members', id)) {
    const member = valueOf(entry, 'members', id)
    if (memberKind(config, entry) === 'group') members.groups.push(member)
    else members.users.push(member)
  }
  return { users: unique(members.users), groups: unique(members.groups) }
}

/** Groups that the user itself lists as direct. */
export function directGroupsOf(row: unknown): string[] {
  const { resource: user, id } = identified(row)
  const direct = valuesAt(user, 'groups', id).filter((entry) => attribute(entry, 'type') !== 'indirect')
  return unique(direct.map((entry) => valueOf(entry, 'groups', id)))
}

export function membership(account: string, group: string): Mapped {
  return { piece: 'membership', account, ref: { kind: 'group', id: group }, valid: null }
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)]

function identified(row: unknown): { resource: Complex; id: string } {
  const id = idOf(row)
  if (id === null || !isComplex(row)) throw new MappingError('the resource has no id', null)
  return { resource: row, id }
}

function isActive(user: Complex, id: string): boolean {
  const active = attribute(user, 'active')
  if (active === undefined || active === null) return true
  if (typeof active !== 'boolean') throw new MappingError('attribute active is not true or false', id)
  return active
}

function kindOf(config: ScimConfig, user: Complex, id: string) {
  const rule = config.users.kind
  if (rule === null) return 'human'
  const value = textAt(user, rule.attribute, id)
  return value !== null && Object.hasOwn(rule.values, value) ? (rule.values[value] ?? rule.otherwise) : rule.otherwise
}

function memberKind(config: ScimConfig, entry: Complex): 'user' | 'group' {
  const type = attribute(entry, 'type')
  if (type === 'Group' || type === 'group') return 'group'
  if (type === 'User' || type === 'user') return 'user'
  const ref = attribute(entry, '$ref')
  if (typeof ref === 'string' && ref.includes(`${config.groupsPath}/`)) return 'group'
  if (typeof ref === 'string' && ref.includes(`${config.users.path}/`)) return 'user'
  return config.untypedMembers
}

function grants(user: Complex, id: string, name: string, prefix: string): Mapped[] {
  return unique(valuesAt(user, name, id).map((entry) => valueOf(entry, name, id))).map((value) => ({
    piece: 'grant', account: id, entitlement: `${prefix}${value}`, valid: null,
  }))
}
