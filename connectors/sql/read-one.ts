import { columnsOf } from '../../src/connect/declared/columns.ts'
import { unprovenAbsence } from '../../src/connect/unproven-absence.ts'
import { ConnectError, type Mapped } from '../../src/ports/connector.ts'
import type { SqlStream } from './config.ts'
import { mapRow } from './map.ts'
import type { Reader } from './reader.ts'
import { selectColumns } from './statement.ts'

/**
 * All pieces of one account, in one snapshot; null where no account stream knows it while each that lists accounts at all finds
 * one of its own by the very same query. Without such a control the absence is not proven, and this throws.
 */
export async function readAccount(streams: readonly SqlStream[], reader: Reader, nativeId: string): Promise<Mapped[] | null> {
  const pieces: Mapped[] = []
  for (const stream of streams) pieces.push(...(await readPieces(stream, reader, nativeId)))
  if (pieces.some((piece) => piece.piece === 'account')) return pieces
  const place = `account ${nativeId}`
  let controls = 0
  for (const stream of streams) if (await controlFound(stream, reader)) controls++
  if (controls === 0) throw unprovenAbsence(place)
  return null
}

async function readPieces(stream: SqlStream, reader: Reader, nativeId: string): Promise<Mapped[]> {
  if (stream.one === null) return []
  const place = `${stream.name}, account ${nativeId}`
  const rows = await reader.rows(selectColumns(stream.one, columnsOf(stream)), [nativeId], place)
  const pieces = rows.flatMap((row) => mapRow(stream, row))
  for (const piece of pieces) {
    if (accountOf(piece) !== nativeId) {
      throw new ConnectError('configuration', 'the `one` query answered for another account; compare ids exactly in it', place)
    }
  }
  return pieces
}

function accountOf(piece: Mapped): string | null {
  if (piece.piece === 'account') return piece.id
  return 'account' in piece ? piece.account : null
}

/** False where the stream lists no account at all; throws where it lists one that `one` then does not find. */
async function controlFound(stream: SqlStream, reader: Reader): Promise<boolean> {
  if (stream.piece !== 'account' || stream.one === null) return false
  const place = `${stream.name}, control`
  const first = await reader.rows(`${selectColumns(stream.query, columnsOf(stream))} LIMIT 1`, [], place)
  const control = first.flatMap((row) => mapRow(stream, row)).map(accountOf)[0]
  if (control === undefined || control === null) return false
  if ((await readPieces(stream, reader, control)).length > 0) return true
  throw new ConnectError('configuration', '`one` does not find an account that `query` lists; no absence can be proven by it', place)
}
