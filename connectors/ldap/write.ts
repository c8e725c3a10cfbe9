import { Attribute, Change } from 'ldapts'
import type { Operation } from '../../schemas/wire/operations.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import { callDeadline } from '../../src/connect/writes/deadline.ts'
import { ConnectError, type Platform, type WriteSide } from '../../src/ports/connector.ts'
import { openClient, type LdapClient } from './client.ts'
import type { Accounts, Groups, LdapConfig } from './config.ts'
import { canonicalDn, isUnder } from './dn.ts'
import { codeOf, codes, ldapError } from './errors.ts'
import { entryOf, valuesOf } from './map.ts'
import { memberFilter } from './read-one.ts'
import { whole } from './walk.ts'

type Outcome = 'applied' | 'already'

/**
 * Corrections: members of groups, the lock of an account, accounts themselves. A single modification of one value is the directory’s
 * own test-and-set: that it changed nothing comes back as a result code, so nothing is read first and no other member is touched. Each
 * has a connection of its own, so that one that was lost is no loss for the next attempt.
 */
export function writeSide(config: LdapConfig, platform: Platform): WriteSide {
  return {
    operations: [
      ...(config.groups === null ? [] : (['grant', 'revoke'] as const)),
      ...(config.disabled === null ? [] : (['enable-account', 'disable-account'] as const)),
      ...(config.accounts.every(({ create }) => create === null) ? [] : (['create-account'] as const)),
      'delete-account',
    ],
    // A directory without referential integrity would keep the name in its groups, for whoever bears it next.
    steps: ({ name }) => (name === 'delete-account' && config.groups !== null ? ['leave groups', 'delete'] : [name]),
    ensure: (operation, step) => bounded(config, platform, operation, (client) => carryOut(client, config, operation, step)),
  }
}

async function carryOut(client: LdapClient, config: LdapConfig, operation: Operation, step: string): Promise<Outcome> {
  const dn = accountDn(config, operation)
  switch (step) {
    case 'grant':
      return await addMember(client, groupOf(config, operation.ref), dn)
    case 'revoke':
      return await removeMember(client, groupOf(config, operation.ref), dn)
    case 'enable-account':
      return await lock(client, config, dn, false)
    case 'disable-account':
      return await lock(client, config, dn, true)
    case 'create-account':
      return await create(client, config, dn, operation.attributes)
    case 'leave groups':
      return await leaveGroups(client, config, dn)
    case 'delete':
      return await unless(codes.noSuchObject, () => client.delete(dn))
    default:
      throw new ConnectError('configuration', `ldap has no step "${step}" of ${operation.name}`, dn)
  }
}

interface GroupPlace {
  dn: string
  groups: Groups
}

const member = (operation: 'add' | 'delete', { groups }: GroupPlace, dn: string): Change =>
  new Change({ operation, modification: new Attribute({ type: groups.member, values: [dn] }) })

const addMember = (client: LdapClient, group: GroupPlace, dn: string): Promise<Outcome> =>
  unless(codes.valueExists, () => client.modify(group.dn, [member('add', group, dn)]))

/** A group that is gone has no member; one that may not be empty takes the placeholder instead, in the same modification. */
async function removeMember(client: LdapClient, group: GroupPlace, dn: string): Promise<Outcome> {
  const { placeholder } = group.groups
  try {
    await client.modify(group.dn, [member('delete', group, dn)])
    return 'applied'
  } catch (error) {
    const code = codeOf(error)
    if (code === codes.noSuchAttribute || code === codes.noSuchObject) return 'already'
    if (code !== codes.objectClassViolation) throw error
    if (placeholder === null) throw new ConnectError('conflict', 'the group may not be empty and this is its last member: set groups.placeholder', group.dn, { cause: error })
    return await unless(codes.noSuchAttribute, () => client.modify(group.dn, [member('add', group, placeholder), member('delete', group, dn)]))
  }
}

async function leaveGroups(client: LdapClient, { groups }: LdapConfig, dn: string): Promise<Outcome> {
  if (groups === null) return 'already'
  const filter = `(&${groups.filter}${memberFilter(groups.member, dn)})`
  const found = await whole(client, { base: groups.base, scope: 'sub', filter, attributes: ['1.1'] }, `groups of ${dn}`)
  let outcome: Outcome = 'already'
  for (const entry of found) {
    if ((await removeMember(client, { dn: entryOf(entry).dn, groups }, dn)) === 'applied') outcome = 'applied'
  }
  return outcome
}

async function lock(client: LdapClient, { disabled }: LdapConfig, dn: string, locked: boolean): Promise<Outcome> {
  if (disabled === null) throw new ConnectError('configuration', '`disabled` does not say how an account is locked', dn)
  const { attribute, value } = disabled
  const [entry] = await whole(client, { base: dn, scope: 'base', filter: '(objectClass=*)', attributes: [attribute] }, dn)
  if (entry === undefined) throw new ConnectError('not-found', 'there is no such entry', dn)
  if (valuesOf(entry, attribute).includes(value) === locked) return 'already'
  const modification = new Attribute({ type: attribute, values: locked ? [value] : [] })
  await client.modify(dn, [new Change({ operation: 'replace', modification })])
  return 'applied'
}

async function create(client: LdapClient, config: LdapConfig, dn: string, attributes: Readonly<Record<string, string>>): Promise<Outcome> {
  const create = sectionOf(config, dn).create
  if (create === null) throw new ConnectError('configuration', 'accounts are not created in this part of the directory: set `create`', dn)
  const given = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, [value]]))
  return await unless(codes.entryExists, () => client.add(dn, { objectClass: create.objectClasses, ...given }))
}

/** Done, or `already` where the directory answers with this code. */
async function unless(code: number, work: () => Promise<void>): Promise<Outcome> {
  try {
    await work()
    return 'applied'
  } catch (error) {
    if (codeOf(error) === code) return 'already'
    throw error
  }
}

/** Nothing outside of the configured parts of the tree is ever written. */
function accountDn(config: LdapConfig, { account }: Operation): string {
  const dn = canonicalDn(account)
  if (dn === null) throw new ConnectError('schema', 'the account is no distinguished name', account)
  sectionOf(config, dn)
  return dn
}

function sectionOf(config: LdapConfig, dn: string): Accounts {
  const section = config.accounts.find(({ base }) => dn !== base && isUnder(dn, base))
  if (section === undefined) throw new ConnectError('schema', 'the entry lies outside of the configured accounts', dn)
  return section
}

/** A group, or the entitlement of being in one. */
function groupOf({ groups }: LdapConfig, ref: Ref | null): GroupPlace {
  const name = ref?.kind === 'entitlement' && ref.id.startsWith('group:') ? ref.id.slice('group:'.length) : ref?.kind === 'group' ? ref.id : null
  const dn = name === null ? null : canonicalDn(name)
  if (groups === null || dn === null || !isUnder(dn, groups.base)) {
    throw new ConnectError('schema', 'only groups below groups.base are granted and revoked', ref === null ? 'no group' : `${ref.kind} ${ref.id}`)
  }
  return { dn, groups }
}

/** The deadline cuts the connection: what is under way can’t go on after it. */
async function bounded(config: LdapConfig, platform: Platform, operation: Operation, work: (client: LdapClient) => Promise<Outcome>): Promise<Outcome> {
  const deadline = callDeadline() ?? platform.signal
  const place = `${operation.name} of ${operation.account}`
  if (isOver(deadline)) throw new ConnectError('transient', 'the time to write had passed before anything was sent', place)
  const client = await openClient(config, platform)
  const late = (): void => client.cut()
  deadline.addEventListener('abort', late)
  try {
    if (isOver(deadline)) throw new ConnectError('transient', 'the time to write had passed before anything was sent', place)
    return await work(client)
  } catch (error) {
    if (isOver(deadline)) throw new ConnectError('transient', 'the time to write had passed before the directory answered', place)
    throw ldapError(error, place)
  } finally {
    deadline.removeEventListener('abort', late)
    await client.close()
  }
}

const isOver = (deadline: AbortSignal): boolean => deadline.aborted
