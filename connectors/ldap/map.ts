import { MappingError, type Mapped } from '../../src/ports/connector.ts'
import type { Entry } from './client.ts'
import type { Accounts, Groups, LdapConfig } from './config.ts'
import { canonicalDn } from './dn.ts'

/** What is asked of an account’s entry: nothing that is not mapped. */
export function accountAttributes(config: LdapConfig, section: Accounts): string[] {
  const optional = [section.owner, section.lastUsed, config.disabled?.attribute ?? null, config.passwords ? 'pwdChangedTime' : null]
  return unique([
    ...Object.values(section.attributes), section.display, 'createTimestamp', 'modifyTimestamp', ...optional.filter((name) => name !== null),
  ])
}

/** One account: its entry, and when its password was set. The native id is its distinguished name in one spelling. Pure. */
export function mapAccount(config: LdapConfig, section: Accounts, row: unknown): Mapped[] {
  const { dn, entry } = entryOf(row)
  const first = (name: string | null): string | null => (name === null ? null : (sorted(valuesOf(entry, name))[0] ?? null))
  const values: Record<string, string> = {}
  for (const [ours, theirs] of Object.entries(section.attributes)) {
    const value = first(theirs)
    if (value !== null && value !== '') values[ours] = value
  }
  const time = (name: string | null): number | null => timeOf(first(name), name ?? '', dn)
  const { disabled } = config
  const account: Mapped = {
    piece: 'account',
    id: dn,
    valid: time('modifyTimestamp'),
    attributes: {
      kind: section.kind,
      status: disabled !== null && valuesOf(entry, disabled.attribute).includes(disabled.value) ? 'disabled' : 'active',
      display: first(section.display),
      created: time('createTimestamp'),
      lastUsed: time(section.lastUsed),
      owner: first(section.owner),
      values,
    },
  }
  const set = config.passwords ? time('pwdChangedTime') : null
  if (set === null) return [account]
  return [account, { piece: 'credential', account: dn, credential: { id: 'password', kind: 'password', created: set, lastUsed: null, expires: null } }]
}

const entitlementOf = (group: string): string => `group:${group}`

/** One group, and the entitlement of being in it. Pure. */
export function mapGroup(groups: Groups, row: unknown): Mapped[] {
  const { dn, entry } = entryOf(row)
  const ref = { kind: 'group', id: dn } as const
  return [
    { piece: 'definition', ref, name: sorted(valuesOf(entry, groups.name))[0] ?? null, valid: null },
    { piece: 'child', parent: ref, child: { kind: 'entitlement', id: entitlementOf(dn) } },
  ]
}

/** A group with its members told apart; `inner` are those that are groups themselves. */
export interface MembersRow {
  group: string
  members: string[]
  inner: string[]
}

/** Who is in an inner group has what the outer one gives: the outer group is the inner one’s child. Pure. */
export function mapMembers(row: unknown): Mapped[] {
  const { group, members, inner } = row as MembersRow
  const ref = { kind: 'group', id: group } as const
  return [
    ...inner.map((id): Mapped => ({ piece: 'child', parent: { kind: 'group', id }, child: ref })),
    ...members.map((account): Mapped => ({ piece: 'membership', account, ref, valid: null })),
  ]
}

/** The members as names in one spelling, each once, without the placeholder and without the group itself. */
export function membersOf(groups: Groups, entry: Entry): { group: string; members: string[] } {
  const { dn: group } = entryOf(entry)
  const tagged = Object.keys(entry.attributes).find((name) => name.startsWith(`${groups.member.toLowerCase()};`))
  if (tagged !== undefined) throw new MappingError(`the server gave a part of the members only (${tagged})`, group)
  const members = valuesOf(entry, groups.member).map((text) => {
    const dn = canonicalDn(text)
    if (dn === null) throw new MappingError(`a value of ${groups.member} is no distinguished name`, group)
    return dn
  })
  return { group, members: unique(members).filter((dn) => dn !== groups.placeholder && dn !== group) }
}

/** Values of an attribute; absent is none. */
export const valuesOf = (entry: Entry, name: string): readonly string[] => entry.attributes[name.toLowerCase()] ?? []

export function entryOf(row: unknown): { dn: string; entry: Entry } {
  const entry = row as Entry
  const dn = canonicalDn(entry.dn)
  if (dn === null) throw new MappingError('the entry’s name is no distinguished name', null)
  return { dn, entry }
}

/** GeneralizedTime (RFC 4517, 3.3.13) in ms; null where there is none. */
export function timeOf(text: string | null, name: string, id: string | null): number | null {
  if (text === null) return null
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d))?)?(?:[.,](\d+))?(Z|[+-]\d{2}(?:\d{2})?)$/.exec(text)
  const [, year, month, day, hour, minute = '00', second = '00', fraction = '', zone = 'Z'] = match ?? []
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3) || '00'}`
  const ms = match === null ? NaN : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`)
  if (Number.isNaN(ms)) throw new MappingError(`attribute ${name} is no GeneralizedTime`, id)
  return ms
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]
const sorted = (texts: readonly string[]): string[] => [...texts].sort()
