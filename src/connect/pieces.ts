import { z } from 'zod'
import { maxAttributesChars } from '../../schemas/feeds.ts'
import { AccountKind, AccountStatus, type Credential, millis } from '../../schemas/wire/common.ts'
import { type AttributesFacet, Ref } from '../../schemas/wire/raw.ts'
import { type Mapped, MappingError, type ObservedClass } from '../ports/connector.ts'

/** The border to connectors, ours and custom ones: what `map` and `readOne` answer is checked before anything is made of it. */
const id = z
  .string()
  .min(1, 'an id may not be empty')
  .refine((text) => text.isWellFormed() && !text.includes('\u0000'), 'an id must be well-formed text without NUL')
const ref = z.strictObject({ kind: Ref.shape.kind, id })
const time = z.int().min(-8.64e15).max(8.64e15)
const valid = time.nullable()

const attributes = z.strictObject({
  kind: AccountKind,
  status: AccountStatus,
  display: z.string().nullable(),
  created: time.nullable(),
  lastUsed: time.nullable(),
  owner: z.string().nullable(),
  values: z.record(z.string(), z.string()),
} satisfies Omit<typeof AttributesFacet.shape, 'whole'>)

const credential = z.strictObject({
  id,
  kind: z.string(),
  created: millis.nullable(),
  lastUsed: millis.nullable(),
  expires: millis.nullable(),
} satisfies typeof Credential.shape)

const MappedPieces: z.ZodType<Mapped[]> = z.array(
  z.discriminatedUnion('piece', [
    z.strictObject({ piece: z.literal('definition'), ref, name: z.string().nullable(), valid }),
    z.strictObject({ piece: z.literal('child'), parent: ref, child: ref }),
    z.strictObject({ piece: z.literal('account'), id, valid, attributes }),
    z.strictObject({ piece: z.literal('membership'), account: id, ref, valid }),
    z.strictObject({ piece: z.literal('grant'), account: id, entitlement: id, valid }),
    z.strictObject({ piece: z.literal('credential'), account: id, credential }),
  ]),
)

/** Throws ZodError, naming piece and field; MappingError for an account whose attributes are too large. */
export function checkPieces(pieces: unknown): Mapped[] {
  const checked = MappedPieces.parse(pieces)
  for (const piece of checked) {
    if (piece.piece !== 'account') continue
    const chars = textChars(piece.attributes)
    if (chars > maxAttributesChars) throw new MappingError(`its attributes have ${chars} characters and may have ${maxAttributesChars}: leave what is none, such as a picture, out of the mapping`, piece.id)
  }
  return checked
}

function textChars({ display, owner, values }: z.infer<typeof attributes>): number {
  let chars = (display?.length ?? 0) + (owner?.length ?? 0)
  for (const name in values) chars += name.length + values[name]!.length
  return chars
}

/** What of an application a piece is part of. */
export const classOf: Record<Mapped['piece'], ObservedClass> = {
  account: 'accounts', membership: 'memberships', grant: 'grants', credential: 'credentials', definition: 'definitions', child: 'definitions',
}

/** Native id of the account that a piece concerns; null for definitions. */
export function accountOf(piece: Mapped): string | null {
  switch (piece.piece) {
    case 'account':
      return piece.id
    case 'membership':
    case 'grant':
    case 'credential':
      return piece.account
    case 'definition':
    case 'child':
      return null
  }
}
