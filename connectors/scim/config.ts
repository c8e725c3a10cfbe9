import { z } from 'zod'
import { AccountKind } from '../../schemas/wire/common.ts'
import { secretReference } from '../../src/connect/secrets.ts'

const attributePath = z
  .string()
  .regex(/^(urn:[^\s]+:)?[A-Za-z$][\w$-]*(\.[A-Za-z$][\w$-]*)?$/, 'an attribute path is [urn:]attribute[.part], as in emails.value')
  .describe('[urn:]attribute[.part]; of several values the primary one, else the first')

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const endpoint = z.string().regex(/^\/[\w./-]+$/, 'an endpoint begins with a slash, as in /Users')

const Users = z.strictObject({
  path: endpoint.default('/Users'),
  attributes: z
    .record(z.string(), attributePath)
    .default({ userName: 'userName', email: 'emails.value', externalId: 'externalId', employeeNumber: `${enterprise}:employeeNumber` })
    .describe('our attribute name -> path; nothing else of a user is kept'),
  kind: z
    .strictObject({ attribute: attributePath, values: z.record(z.string(), AccountKind), otherwise: AccountKind.default('human') })
    .nullable()
    .default(null)
    .describe('which attribute tells service accounts from people; null: all are people'),
  owner: attributePath.nullable().default(null),
  lastUsed: attributePath.nullable().default(null),
})

export const ScimConfig = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .describe('what /Users is appended to, as in https://idp.example.org/scim/v2'),
  token: secretReference.nullable().default(null).describe('bearer token'),
  paging: z.enum(['auto', 'index', 'cursor']).default('auto').describe('auto asks for two pages by cursor and compares them'),
  pageSize: z.int().min(2).max(10_000).default(200).describe('asked for; a server may give fewer'),
  users: Users.prefault({}),
  groupsPath: endpoint.default('/Groups'),
  groups: z
    .enum(['members', 'user-groups', 'both'])
    .default('members')
    .describe('who says who is in a group: the group, the user (then nesting counts as far as users list it), or both, compared'),
  untypedMembers: z.enum(['user', 'group']).default('user').describe('what a member is that has neither type nor telling $ref'),
  roles: z.enum(['grants', 'ignore']).default('grants').describe('each role value of a user is a grant of role:<value>'),
  entitlements: z.enum(['grants', 'ignore']).default('grants').describe('each value is a grant of entitlement:<value>'),
  changes: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe('auto asks for what changed by meta.lastModified, where that filter is measured to work'),
})
export type ScimConfig = z.infer<typeof ScimConfig>
