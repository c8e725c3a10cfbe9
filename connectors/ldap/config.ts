import { z } from 'zod'
import { AccountKind } from '../../schemas/wire/common.ts'
import { secretReference } from '../../src/connect/secrets.ts'
import { canonicalDn } from './dn.ts'

const dn = z
  .string()
  .refine((text) => canonicalDn(text) !== null, 'not a distinguished name, as in ou=people,dc=example,dc=org')
  .transform((text) => canonicalDn(text) ?? text)
const attributeName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'an attribute is letters, digits and dashes')
const filter = z.string().regex(/^\(.*\)$/, 'a filter stands in brackets, as in (objectClass=inetOrgPerson)')

/** Entries that are accounts. Sections may not overlap: an entry that two of them show is told in two ways. */
const Accounts = z.strictObject({
  name: z.string().min(1).describe('names the stream in places and errors'),
  base: dn.describe('the accounts are this entry’s descendants'),
  filter: filter.default('(objectClass=inetOrgPerson)'),
  kind: AccountKind.default('human'),
  attributes: z
    .record(z.string(), attributeName)
    .default({ uid: 'uid', email: 'mail', employeeNumber: 'employeeNumber' })
    .describe('our attribute name -> the directory’s; of several values the first in order; nothing else of an entry is kept'),
  display: attributeName.default('cn'),
  owner: attributeName.nullable().default(null).describe('an attribute that names the accountable person by a key'),
  lastUsed: attributeName.nullable().default(null).describe('authTimestamp, where the server keeps it'),
  create: z
    .strictObject({ objectClasses: z.array(attributeName).min(1).default(['inetOrgPerson']) })
    .nullable()
    .default(null)
    .describe('null: accounts are not created here'),
})
export type Accounts = z.infer<typeof Accounts>

const Groups = z.strictObject({
  base: dn,
  filter: filter.default('(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=group))'),
  member: attributeName.default('member').describe('the attribute that holds the members’ distinguished names'),
  name: attributeName.default('cn'),
  placeholder: dn
    .nullable()
    .default(null)
    .describe('a member that stands for nobody, where a group may not be empty; written when the last member is removed'),
})
export type Groups = z.infer<typeof Groups>

export const LdapConfig = z.strictObject({
  url: z
    .string()
    .regex(/^ldaps?:\/\/[^/?#@]+$/, 'host and port only, as in ldaps://directory.example.org or ldap://127.0.0.1:389')
    .describe('the only server that is asked: referrals are told, never followed'),
  startTls: z.boolean().default(false),
  caFile: z.string().nullable().default(null).describe('PEM; null trusts the system’s authorities'),
  serverName: z.string().min(1).nullable().default(null).describe('whose certificate it has to be, where `url` is a tunnel or proxy; null: the host’s'),
  bindDn: z.string().min(1),
  password: secretReference,
  accounts: z.array(Accounts).min(1),
  groups: Groups.nullable().default(null),
  disabled: z
    .strictObject({ attribute: attributeName.default('pwdAccountLockedTime'), value: z.string().min(1).default('000001010000Z') })
    .nullable()
    .default(null)
    .describe('an account is disabled where the attribute holds this value; null: the directory can’t say'),
  passwords: z
    .boolean()
    .default(true)
    .describe('the time a password was set (pwdChangedTime) is observed as a credential; the password never is'),
  pageSize: z.int().min(1).max(10_000).default(500),
  timeoutMs: z.int().min(100).default(60_000).describe('of one page'),
  changes: z.enum(['auto', 'off']).default('auto').describe('auto asks for what changed by modifyTimestamp, where that filter is seen to work'),
  visibilityLagMs: z.int().min(0).default(10_000).describe('a change may become visible this much later than its own time'),
})
export type LdapConfig = z.infer<typeof LdapConfig>
