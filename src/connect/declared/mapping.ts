import { z } from 'zod'
import { feedTime } from '../../../schemas/feeds.ts'
import { AccountKind, AccountStatus } from '../../../schemas/wire/common.ts'
import { Ref } from '../../../schemas/wire/raw.ts'
import { type Mapped, MappingError, type ObservedClass } from '../../ports/connector.ts'
import { classOf } from '../pieces.ts'
import { type Expression, ExpressionError, type Variables, expression, parseExpression } from './expression.ts'

const names = ['row', 'parent', 'item']
const cel = expression(...names)
const refKind = Ref.shape.kind
const holderKind = refKind.exclude(['entitlement'])

const common = {
  for: cel.optional().describe('a list: one piece for each entry, which is `item`'),
  when: cel.optional().describe('only where this is true'),
}

const Piece = z.discriminatedUnion('piece', [
  z.strictObject({
    ...common,
    piece: z.literal('account'),
    id: cel,
    kind: cel.optional().describe('human (default), service, apikey or token'),
    status: cel.optional().describe('active (default) or disabled; true and false are taken for these'),
    display: cel.optional(),
    created: cel.optional(),
    lastUsed: cel.optional(),
    owner: cel.optional(),
    valid: cel.optional(),
    values: z.record(z.string(), cel).default({}).describe('attribute name -> expression, for match rules'),
  }),
  z.strictObject({ ...common, piece: z.literal('membership'), account: cel, kind: holderKind.default('group'), id: cel, valid: cel.optional() }),
  z.strictObject({ ...common, piece: z.literal('grant'), account: cel, entitlement: cel, valid: cel.optional() }),
  z.strictObject({
    ...common, piece: z.literal('credential'), account: cel, id: cel, kind: cel.optional(), created: cel.optional(), lastUsed: cel.optional(), expires: cel.optional(),
  }),
  z.strictObject({ ...common, piece: z.literal('definition'), kind: refKind.default('group'), id: cel, name: cel.optional(), valid: cel.optional() }),
  z.strictObject({
    ...common, piece: z.literal('child'), parentKind: holderKind.default('group'), parent: cel, childKind: refKind.default('entitlement'), child: cel,
  }),
])
type Piece = z.infer<typeof Piece>

/** What one row means, declared: pieces with an expression for each of their fields, over `row`, `parent` and `item`. */
export const DeclaredMap = z.array(Piece).min(1)
export type DeclaredMap = z.infer<typeof DeclaredMap>

export const classesOfMap = (map: DeclaredMap): ObservedClass[] => [...new Set(map.map(({ piece }) => classOf[piece]))]

/** A row as mappings get it: what was delivered, and the key of the row that it was read under. */
export interface DeclaredRow {
  row: unknown
  parent: string | null
}

/** Pure. Throws MappingError that names the field and its expression, never a value. */
export function compileMap(map: DeclaredMap): (row: DeclaredRow) => Mapped[] {
  const pieces = map.map(compilePiece)
  return (row) => {
    const variables = { ...row, item: null }
    let id: string | null = null
    try {
      return pieces.flatMap((piece) => {
        id ??= piece.idOf(variables)
        return piece.map(variables)
      })
    } catch (error) {
      if (error instanceof FieldError) throw new MappingError(error.message, id)
      throw error
    }
  }
}

class FieldError extends Error {}

interface CompiledPiece {
  map(variables: Variables): Mapped[]
  /** the account that the row is about, where it can be read without `item` */
  idOf(variables: Variables): string | null
}

function compilePiece(piece: Piece): CompiledPiece {
  const make = makerOf(piece)
  const list = piece.for === undefined ? null : field(piece, 'for', piece.for)
  const when = piece.when === undefined ? null : field(piece, 'when', piece.when)
  const account = piece.piece === 'account' ? piece.id : 'account' in piece ? piece.account : null
  const subject = account === null || list !== null ? null : field(piece, 'id', account)
  return {
    map(variables) {
      const items = list === null ? [null] : list.list(variables)
      return items.flatMap((item) => {
        const own = list === null ? variables : { ...variables, item }
        return when === null || when.flag(own) ? [make(own)] : []
      })
    },
    idOf(variables) {
      try {
        return subject?.id(variables) ?? null
      } catch (error) {
        if (error instanceof FieldError) return null
        throw error
      }
    },
  }
}

function makerOf(piece: Piece): (variables: Variables) => Mapped {
  const of = (name: string, source: string | undefined): Field | null => (source === undefined ? null : field(piece, name, source))
  const must = (name: string, source: string): Field => field(piece, name, source)
  switch (piece.piece) {
    case 'account':
      return accountMaker(piece, must, of)
    case 'membership': {
      const [account, id, valid] = [must('account', piece.account), must('id', piece.id), of('valid', piece.valid)]
      return (v) => ({ piece: 'membership', account: account.id(v), ref: { kind: piece.kind, id: id.id(v) }, valid: valid?.time(v) ?? null })
    }
    case 'grant': {
      const [account, entitlement, valid] = [must('account', piece.account), must('entitlement', piece.entitlement), of('valid', piece.valid)]
      return (v) => ({ piece: 'grant', account: account.id(v), entitlement: entitlement.id(v), valid: valid?.time(v) ?? null })
    }
    case 'credential': {
      const [account, id, kind] = [must('account', piece.account), must('id', piece.id), of('kind', piece.kind)]
      const [created, lastUsed, expires] = [of('created', piece.created), of('lastUsed', piece.lastUsed), of('expires', piece.expires)]
      return (v) => ({
        piece: 'credential',
        account: account.id(v),
        credential: { id: id.id(v), kind: kind?.text(v) ?? 'key', created: created?.time(v) ?? null, lastUsed: lastUsed?.time(v) ?? null, expires: expires?.time(v) ?? null },
      })
    }
    case 'definition': {
      const [id, name, valid] = [must('id', piece.id), of('name', piece.name), of('valid', piece.valid)]
      return (v) => ({ piece: 'definition', ref: { kind: piece.kind, id: id.id(v) }, name: name?.text(v) ?? null, valid: valid?.time(v) ?? null })
    }
    case 'child': {
      const [parent, child] = [must('parent', piece.parent), must('child', piece.child)]
      return (v) => ({ piece: 'child', parent: { kind: piece.parentKind, id: parent.id(v) }, child: { kind: piece.childKind, id: child.id(v) } })
    }
  }
}

function accountMaker(
  piece: Extract<Piece, { piece: 'account' }>,
  must: (name: string, source: string) => Field,
  of: (name: string, source: string | undefined) => Field | null,
): (variables: Variables) => Mapped {
  const id = must('id', piece.id)
  const [kind, status, display, owner] = [of('kind', piece.kind), of('status', piece.status), of('display', piece.display), of('owner', piece.owner)]
  const [created, lastUsed, valid] = [of('created', piece.created), of('lastUsed', piece.lastUsed), of('valid', piece.valid)]
  const values = Object.entries(piece.values).map(([name, source]) => [name, must(`values.${name}`, source)] as const)
  return (v) => ({
    piece: 'account',
    id: id.id(v),
    valid: valid?.time(v) ?? null,
    attributes: {
      kind: kind?.oneOf(v, AccountKind.options) ?? 'human',
      status: status === null ? 'active' : status.status(v),
      display: display?.text(v) ?? null,
      created: created?.time(v) ?? null,
      lastUsed: lastUsed?.time(v) ?? null,
      owner: owner?.text(v) ?? null,
      values: Object.fromEntries(values.flatMap(([name, value]) => {
        const text = value.raw(v)
        return text === null ? [] : [[name, text]]
      })),
    },
  })
}

/** One field's expression, read as what the field holds. An empty text is absent, but in `values`, where it stays. */
interface Field {
  id(variables: Variables): string
  text(variables: Variables): string | null
  raw(variables: Variables): string | null
  time(variables: Variables): number | null
  flag(variables: Variables): boolean
  list(variables: Variables): readonly unknown[]
  status(variables: Variables): AccountStatus
  oneOf<T extends string>(variables: Variables, options: readonly T[]): T
}

function field(piece: Piece, name: string, source: string): Field {
  const parsed = parseExpression(source, names)
  const fail = (what: string): never => {
    throw new FieldError(`${piece.piece}.${name} (${source}): ${what}`)
  }
  const evaluate = (variables: Variables): unknown => evaluated(parsed, variables, (reason) => fail(reason))
  const raw = (variables: Variables): string | null => {
    const value = evaluate(variables)
    if (value === null || value === undefined) return null
    return textOf(value) ?? fail('expected text or a whole number')
  }
  const text = (variables: Variables): string | null => raw(variables) || null
  const oneOf = <T extends string>(variables: Variables, options: readonly T[]): T => {
    const value = text(variables)
    return options.find((option) => option === value) ?? fail(`expected one of ${options.join(', ')}`)
  }
  return {
    raw,
    text,
    oneOf,
    id: (variables) => text(variables) ?? fail('it is empty'),
    time(variables) {
      try {
        return readTime(evaluate(variables))
      } catch (error) {
        if (error instanceof ExpressionError) return fail(error.message)
        throw error
      }
    },
    flag(variables) {
      const value = evaluate(variables)
      return typeof value === 'boolean' ? value : fail('expected true or false')
    },
    list(variables) {
      const value = evaluate(variables)
      if (value === null || value === undefined) return []
      return Array.isArray(value) ? (value as unknown[]) : fail('expected a list')
    },
    status(variables) {
      const value = evaluate(variables)
      if (typeof value === 'boolean') return value ? 'active' : 'disabled'
      return AccountStatus.options.find((option) => option === value) ?? fail(`expected one of ${AccountStatus.options.join(', ')}, true or false`)
    },
  }
}

/** Null where there is none. Throws ExpressionError where it can't be told which time is meant. */
export function readTime(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null
  if (value instanceof Date && !Number.isNaN(value.getTime())) return Math.trunc(value.getTime())
  if (typeof value === 'number' || typeof value === 'bigint') throw new ExpressionError('a number may be seconds or milliseconds: say seconds(…) or millis(…)')
  const parsed = feedTime.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ExpressionError('expected an ISO 8601 date, or a date-time with Z or offset')
}

function evaluated(parsed: Expression, variables: Variables, fail: (reason: string) => never): unknown {
  try {
    return parsed.evaluate(variables)
  } catch (error) {
    if (error instanceof ExpressionError) return fail(error.message.slice(parsed.source.length + 2))
    throw error
  }
}

/** Fractions are refused: a number that lost digits may be another object's id. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null
}
