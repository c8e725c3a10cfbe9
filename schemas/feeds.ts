import { z } from 'zod'
import { IdentityStatus } from './wire/common.ts'
import type { IntentClass } from './settings.ts'
import { timeMs } from './time-text.ts'

/**
 * Rows of intent feeds after the feed's field mapping; the same for files and HTTP. Unknown properties are ignored. In CSV an
 * empty cell is absent. Times: ISO 8601 date (its beginning, UTC), date-time with Z or offset, or milliseconds since the epoch.
 */

const longestText = 10 * 2 ** 20
/** Of one person or account, together. What the state keeps of it is one row, and a row of 16 MiB that can't be packed is more than Kafka takes. */
export const maxAttributesChars = 4 * 2 ** 20

const text = z
  .string()
  .min(1, 'expected some text')
  .max(longestText)
  .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'expected well-formed text without NUL')

/** Ids may come as whole numbers in JSON. */
const id = z.union([text, z.int().transform(String)], 'expected an id: text or a whole number')

const timeExpected = 'expected an ISO 8601 date, a date-time with Z or offset, or epoch milliseconds'

/** ISO 8601 or epoch milliseconds, as ms. */
export const feedTime = z.union([z.int().min(-8.64e15).max(8.64e15), z.string()], timeExpected).transform((value, context) => {
  const at = typeof value === 'number' ? value : timeMs(value)
  if (at !== null) return at
  context.addIssue({ code: 'custom', message: timeExpected })
  return z.NEVER
})

const dayMs = 86_400_000
const day = z.iso.date('expected an ISO 8601 date').transform((value) => Date.parse(value) + dayMs)

/** In place of `end` or `until`: when that day is over, UTC, ms. */
const lastDay = { lastDay: day.nullable().default(null) }
const oneEnd = (end: number | null, last: number | null): boolean => end === null || last === null

const charsIn = (texts: readonly string[]): number => texts.reduce((sum, { length }) => sum + length, 0)

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')], 'expected true or false')

const absent = <T extends z.ZodType>(schema: T) => schema.nullable().default(null)

/** `valid`: when the source says it became so. `removed`: the object is gone (HTTP, or a file that lists leavers). */
const common = { valid: absent(feedTime), removed: flag.default(false) }

const textOrTexts = z.union([z.array(text), text.transform((value) => value.split('|').map((part) => part.trim()).filter((part) => part !== ''))])

/** `app:entitlement`, the app ends at the first colon; several parted by `|`, or a list, or a list of objects. */
const grantText = text.transform((value, context) => {
  const colon = value.indexOf(':')
  if (colon > 0 && colon < value.length - 1) return { app: value.slice(0, colon).trim(), entitlement: value.slice(colon + 1).trim() }
  context.addIssue({ code: 'custom', message: 'expected app:entitlement' })
  return z.NEVER
})
const grantObject = z.object({ app: text, entitlement: text })
const grants = z.union([
  z.array(z.union([grantObject, grantText])),
  text.transform((value) => value.split('|').map((part) => part.trim()).filter((part) => part !== '')).pipe(z.array(grantText)),
])

/** `attribute=value`, several parted by `|`, or an object. */
const when = z.union([
  z.record(text, z.string()),
  text.transform((value, context) => {
    const conditions: Record<string, string> = {}
    for (const part of value.split('|')) {
      const equals = part.indexOf('=')
      if (equals <= 0) {
        context.addIssue({ code: 'custom', message: 'expected attribute=value' })
        return z.NEVER
      }
      conditions[part.slice(0, equals).trim()] = part.slice(equals + 1).trim()
    }
    return conditions
  }),
])

const IdentityRow = z
  .object({
    ...common,
    id,
    status: IdentityStatus.default('active'),
    display: absent(z.string().max(longestText)),
    start: absent(feedTime),
    end: absent(feedTime),
    ...lastDay,
    continues: absent(id),
    keys: z.record(text, textOrTexts).default({}),
    attributes: z.record(text, z.union([z.string(), z.number().transform(String), z.boolean().transform(String)])).default({}),
  })
  .refine((row) => oneEnd(row.end, row.lastDay), 'expected either end or lastDay')
  .refine(({ display, attributes }) => charsIn([display ?? '', ...Object.values(attributes)]) <= maxAttributesChars, `expected attributes of at most ${maxAttributesChars} characters together`)

/** A CSV row may hold all grants, or one in `app` and `entitlement`: rows of one id are then put together. */
const BusinessRoleRow = z
  .object({
    ...common,
    id,
    name: absent(text),
    owner: absent(id),
    grants: grants.default([]),
    app: absent(text),
    entitlement: absent(text),
    when: when.default({}),
  })
  .refine((row) => (row.app === null) === (row.entitlement === null), 'expected both app and entitlement, or neither')

const RoleAssignmentRow = z
  .object({ ...common, id: absent(id), identity: id, role: id, from: feedTime, until: absent(feedTime), ...lastDay })
  .refine((row) => oneEnd(row.until, row.lastDay), 'expected either until or lastDay')

const subject = { identity: absent(id), account: absent(id), app: text, entitlement: text }
const oneSubject = [
  (row: { identity: string | null; account: string | null }) => (row.identity === null) !== (row.account === null),
  'expected either identity or account',
] as const
/** The first slash of an account's key ends the name of its application: another one in the name would make it another application's account. */
const namesAccount: [(row: { account: string | null; app: string }) => boolean, { message: string; path: PropertyKey[] }] = [
  ({ account, app }) => account === null || !app.includes('/'),
  { message: 'expected the name of an application, which has no slash', path: ['app'] },
]

const RequestRow = z
  .object({ ...common, id, ...subject, from: feedTime, until: absent(feedTime), ...lastDay, approvedBy: id })
  .refine(...oneSubject)
  .refine(...namesAccount)
  .refine((row) => oneEnd(row.until, row.lastDay), 'expected either until or lastDay')

const DecisionRow = z
  .object({ ...common, id, campaign: id, ...subject, verdict: z.enum(['keep', 'revoke']), by: id, at: feedTime })
  .refine(...oneSubject)
  .refine(...namesAccount)

const LinkRow = z
  .object({ ...common, id: absent(id), app: text, account: id, identity: id, relation: z.enum(['holder', 'owner']).default('holder') })
  .refine(...namesAccount)

export const feedRows = {
  identities: IdentityRow,
  'business-roles': BusinessRoleRow,
  'role-assignments': RoleAssignmentRow,
  requests: RequestRow,
  decisions: DecisionRow,
  links: LinkRow,
} as const satisfies Record<IntentClass, z.ZodType>

export type FeedRow<C extends IntentClass> = z.infer<(typeof feedRows)[C]>

/** Columns that a CSV file of the class must have, as our field names. */
export const requiredFields = {
  identities: ['id'],
  'business-roles': ['id'],
  'role-assignments': ['identity', 'role', 'from'],
  requests: ['id', 'app', 'entitlement', 'from', 'approvedBy'],
  decisions: ['id', 'campaign', 'app', 'entitlement', 'verdict', 'by', 'at'],
  links: ['app', 'account', 'identity'],
} as const satisfies Record<IntentClass, readonly string[]>
