import { z } from 'zod'
import { AccountKind, AccountStatus } from '../../../schemas/wire/common.ts'

/** A value as the table has it, as text -> ours. One that is not listed is refused; an empty one takes the default. */
export const translate = <T extends z.ZodType>(value: T) => z.record(z.string(), value).nullable().default(null)

/** Of accounts in a table: which column holds what, what is taken where there is none, and what the values mean. */
export const accountTable = (column: z.ZodString) => ({
  columns: z.strictObject({
    id: column,
    kind: column.optional(),
    status: column.optional(),
    display: column.optional(),
    created: column.optional(),
    lastUsed: column.optional(),
    owner: column.optional(),
    valid: column.optional(),
    values: z.record(z.string(), column).default({}).describe('attribute name -> column, for match rules'),
  }),
  defaults: z.strictObject({ kind: AccountKind.default('human'), status: AccountStatus.default('active') }).prefault({}),
  translate: z.strictObject({ kind: translate(AccountKind), status: translate(AccountStatus) }).prefault({}),
})

export const credentialColumns = (column: z.ZodString) =>
  z.strictObject({
    account: column,
    id: column,
    kind: column.optional(),
    created: column.optional(),
    lastUsed: column.optional(),
    expires: column.optional(),
  })

/** Each column that is named, once, in the order in which they are. */
export function columnsOf({ columns }: { columns: Readonly<Record<string, string | Readonly<Record<string, string>> | undefined>> }): string[] {
  return [...new Set(Object.values(columns).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry ?? {}))))]
}
