import { AccountFact, AccountGone, Desired, Held, Reference, type FactRecord } from '../../schemas/wire/facts.ts'
import { asciiAt } from '../core/ascii.ts'
import type { Encoded } from '../ports/processor.ts'

/** What a fact about a home begins with. */
export interface FactHead {
  readonly type: string
  readonly home: string
  /** null where it is about no account */
  readonly app: string | null
  readonly account: string | null
}

const schemas = { AccountFact, AccountGone, Reference, Desired, Held }
const fieldsOf: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(schemas).map(([type, { shape }]) => [type, Object.keys(shape)]))

/** Of a record, read off its bytes; null where it is about no home: such a one goes to every partition. */
export function headAt(encoded: Encoded): FactHead | null {
  const fields = fieldsOf.get(encoded.type)
  if (fields === undefined) return null
  const text = (name: string): string => textAt(encoded, fields.indexOf(name))
  const isOfAccount = fields.includes('account')
  return { type: encoded.type, home: text('home'), app: isOfAccount ? text('app') : null, account: isOfAccount ? text('account') : null }
}

/** The same of one that was decoded. */
export function headOf(record: FactRecord): FactHead | null {
  if (!('home' in record)) return null
  const isOfAccount = 'account' in record
  return { type: record.type, home: record.home, app: isOfAccount ? record.app : null, account: isOfAccount ? record.account : null }
}

/** A text lies behind its length, a varint. */
function textAt({ bytes, from, ends }: Encoded, field: number): string {
  let at = field === 0 ? from : ends[field - 1]!
  while (bytes[at++]! > 0x7f);
  const length = ends[field]! - at
  return asciiAt(bytes, at, length) ?? Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8')
}
