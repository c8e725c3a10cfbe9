import { AccountKind, AccountStatus } from '../../schemas/wire/common.ts'
import { Ref } from '../../schemas/wire/raw.ts'
import { MappingError, type Mapped } from '../../src/ports/connector.ts'
import type { SqlStream } from './config.ts'
import type { Row } from './reader.ts'
import { choice, optionalText, requiredText, time, type At } from './values.ts'

type StreamOf<P extends SqlStream['piece']> = Extract<SqlStream, { piece: P }>

const refKinds = Ref.shape.kind.options

/** One row of a stream as the piece that the stream is configured to hold. Pure. Throws MappingError. */
export function mapRow(stream: SqlStream, row: unknown): Mapped[] {
  if (!isRow(row)) throw new MappingError(`a row of ${stream.name} is not a set of columns`, null)
  switch (stream.piece) {
    case 'account': return [account(stream, row)]
    case 'definition': return [definition(stream, row)]
    case 'child': return [child(stream, row)]
    case 'membership': return [membership(stream, row)]
    case 'grant': return [grant(stream, row)]
    case 'credential': return [credential(stream, row)]
  }
}

const isRow = (row: unknown): row is Row => typeof row === 'object' && row !== null && !Array.isArray(row)

/** The object that a row is about is read first, so that an error in any other column can name it. */
function about(row: Row, column: string): At & { id: string } {
  return { row, id: requiredText({ row, id: null }, column) }
}

function account({ columns, defaults, translate, time: format }: StreamOf<'account'>, row: Row): Mapped {
  const at = about(row, columns.id)
  const values: Record<string, string> = {}
  for (const [name, column] of Object.entries(columns.values)) {
    const value = optionalText(at, column)
    if (value !== null && value !== '') values[name] = value
  }
  return {
    piece: 'account',
    id: at.id,
    valid: time(at, columns.valid, format),
    attributes: {
      kind: choice(at, columns.kind, AccountKind.options, translate.kind, defaults.kind),
      status: choice(at, columns.status, AccountStatus.options, translate.status, defaults.status),
      display: optionalText(at, columns.display),
      created: time(at, columns.created, format),
      lastUsed: time(at, columns.lastUsed, format),
      owner: optionalText(at, columns.owner),
      values,
    },
  }
}

function definition({ columns, defaults, translate, time: format }: StreamOf<'definition'>, row: Row): Mapped {
  const at = about(row, columns.id)
  return {
    piece: 'definition',
    ref: { kind: choice(at, columns.kind, refKinds, translate.kind, defaults.kind), id: at.id },
    name: optionalText(at, columns.name),
    valid: time(at, columns.valid, format),
  }
}

function child({ columns, defaults, translate }: StreamOf<'child'>, row: Row): Mapped {
  const at = about(row, columns.parent)
  return {
    piece: 'child',
    parent: { kind: choice(at, columns.parentKind, refKinds, translate.parentKind, defaults.parentKind), id: at.id },
    child: {
      kind: choice(at, columns.childKind, refKinds, translate.childKind, defaults.childKind),
      id: requiredText(at, columns.child),
    },
  }
}

function membership({ columns, defaults, translate, time: format }: StreamOf<'membership'>, row: Row): Mapped {
  const at = about(row, columns.account)
  return {
    piece: 'membership',
    account: at.id,
    ref: { kind: choice(at, columns.kind, ['role', 'group'], translate.kind, defaults.kind), id: requiredText(at, columns.id) },
    valid: time(at, columns.valid, format),
  }
}

function grant({ columns, time: format }: StreamOf<'grant'>, row: Row): Mapped {
  const at = about(row, columns.account)
  return {
    piece: 'grant',
    account: at.id,
    entitlement: requiredText(at, columns.entitlement),
    valid: time(at, columns.valid, format),
  }
}

function credential({ columns, defaults, time: format }: StreamOf<'credential'>, row: Row): Mapped {
  const at = about(row, columns.account)
  return {
    piece: 'credential',
    account: at.id,
    credential: {
      id: requiredText(at, columns.id),
      kind: optionalText(at, columns.kind) ?? defaults.kind,
      created: time(at, columns.created, format),
      lastUsed: time(at, columns.lastUsed, format),
      expires: time(at, columns.expires, format),
    },
  }
}
