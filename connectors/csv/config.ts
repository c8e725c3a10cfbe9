import { z } from 'zod'
import { Ref } from '../../schemas/wire/raw.ts'
import { accountTable, credentialColumns } from '../../src/connect/declared/columns.ts'
import { mark } from './drop.ts'

const column = z.string().min(1).describe('a column of the file, as its header names it')
const refKind = Ref.shape.kind
const groupKind = refKind.exclude(['entitlement'])

const common = {
  path: z
    .string()
    .min(1)
    .refine((path) => path.split(mark).length <= 2, `only one ${mark} is accepted`)
    .describe(`relative to the config file; ${mark} stands for what tells one drop from another, such as its date: the greatest counts, for all files`),
}

const AccountFile = z.strictObject({ ...common, piece: z.literal('account'), ...accountTable(column) })

const DefinitionFile = z.strictObject({
  ...common,
  piece: z.literal('definition'),
  kind: refKind.default('role'),
  columns: z.strictObject({ id: column, name: column.optional(), valid: column.optional() }),
})

const ChildFile = z.strictObject({
  ...common,
  piece: z.literal('child'),
  parentKind: groupKind.default('role'),
  childKind: refKind.default('entitlement'),
  separator: z.string().min(1).nullable().default(null).describe('where one cell holds many children'),
  columns: z.strictObject({ parent: column, child: column }),
})

const MembershipFile = z.strictObject({
  ...common,
  piece: z.literal('membership'),
  kind: groupKind.default('role'),
  separator: z.string().min(1).nullable().default(null).describe('where one cell holds many roles; an empty cell is then none'),
  columns: z.strictObject({ account: column, id: column, valid: column.optional() }),
})

const GrantFile = z.strictObject({
  ...common,
  piece: z.literal('grant'),
  separator: z.string().min(1).nullable().default(null).describe('where one cell holds many entitlements; an empty cell is then none'),
  columns: z.strictObject({ account: column, entitlement: column, valid: column.optional() }),
})

const CredentialFile = z.strictObject({
  ...common,
  piece: z.literal('credential'),
  kind: z.string().min(1).default('key'),
  columns: credentialColumns(column),
})

export const CsvFile = z.discriminatedUnion('piece', [AccountFile, DefinitionFile, ChildFile, MembershipFile, GrantFile, CredentialFile])
export type CsvFile = z.infer<typeof CsvFile>
export type FileOf<P extends CsvFile['piece']> = Extract<CsvFile, { piece: P }>

export const CsvConfig = z.strictObject({
  delimiter: z.string().length(1).default(',').describe('between cells'),
  files: z.array(CsvFile).min(1).describe('the same file may be listed for several pieces'),
})
export type CsvConfig = z.infer<typeof CsvConfig>
