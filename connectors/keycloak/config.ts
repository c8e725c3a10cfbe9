import { z } from 'zod'
import { HandOverConfig } from '../../src/connect/hand-over.ts'
import { secretReference } from '../../src/connect/secrets.ts'

const Reader = z.discriminatedUnion('grant', [
  z.strictObject({
    grant: z.literal('client-credentials'),
    realm: z.string().min(1).nullable().default(null).describe('where the client lives; null: the realm that is read'),
    clientId: z.string().min(1),
    clientSecret: secretReference,
  }),
  z.strictObject({
    grant: z.literal('password'),
    realm: z.string().min(1).default('master'),
    clientId: z.string().min(1).default('admin-cli'),
    username: z.string().min(1),
    password: secretReference,
  }),
])

export const KeycloakConfig = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .describe('what /admin and /realms are appended to, as in https://login.example.org'),
  realm: z.string().min(1).describe('the realm that is read'),
  reader: Reader.describe('who reads: needs view-realm, view-users, view-clients, view-events of realm-management; to write manage-users too, and manage-clients for credentials'),
  attributes: z
    .record(z.string(), z.string().min(1))
    .default({ username: 'username', email: 'email' })
    .describe('our attribute name -> username, email, firstName, lastName, or the name of a user attribute; nothing else is kept'),
  ownerAttribute: z.string().min(1).nullable().default(null).describe('client attribute that names who answers for a service account'),
  pageSize: z.int().min(2).max(10_000).default(500),
  handOver: HandOverConfig,
  changes: z.enum(['auto', 'off']).default('auto').describe('auto reads the admin events, where the realm records them'),
})
export type KeycloakConfig = z.infer<typeof KeycloakConfig>
