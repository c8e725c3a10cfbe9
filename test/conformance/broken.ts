import type { AppSource } from '../../src/connect/app-reader.ts'
import { type ConnectorSession, ConnectError, MappingError, type Mapped, type Page, type Stream } from '../../src/ports/connector.ts'

/** What careless connectors do, each on top of one that does not. */
export const breaks = {
  'swallows errors': (stream: Stream): Stream => ({ ...stream, proof: 'cursor', pages: () => swallowing(stream) }),
  'claims a snapshot and hides the counts': (stream: Stream): Stream => ({ ...stream, proof: 'transaction', pages: () => without(stream) }),
  'leaves out rows that it can not map': (stream: Stream): Stream => ({ ...stream, map: (row) => leavingOut(stream, row) }),
  'folds ids': (stream: Stream): Stream => ({ ...stream, map: (row) => stream.map(row).map(folded) }),
  'makes ids up': (stream: Stream): Stream => ({ ...stream, map: (row) => unknownInstead(stream, row) }),
} as const satisfies Record<string, (stream: Stream) => Stream>

export type Break = keyof typeof breaks

export const broken = (name: Break) => (app: AppSource): AppSource => ({
  ...app,
  async open(platform): Promise<ConnectorSession> {
    const session = await app.open(platform)
    return { ...session, streams: session.streams.map(breaks[name]), close: () => session.close() }
  },
})

/** An error ends the list, as if it were its end; counts are not looked at. */
async function* swallowing(stream: Stream): AsyncGenerator<Page> {
  try {
    for await (const page of stream.pages()) yield { ...page, total: null, start: null }
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
  }
}

async function* without(stream: Stream): AsyncGenerator<Page> {
  for await (const page of stream.pages()) yield { ...page, total: null, start: null }
}

function leavingOut(stream: Stream, row: unknown): Mapped[] {
  try {
    return stream.map(row)
  } catch (error) {
    if (error instanceof MappingError) return []
    throw error
  }
}

function folded(piece: Mapped): Mapped {
  if (piece.piece === 'account') return { ...piece, id: piece.id.toLowerCase() }
  return 'account' in piece ? { ...piece, account: piece.account.toLowerCase() } : piece
}

let made = 0
function unknownInstead(stream: Stream, row: unknown): Mapped[] {
  try {
    return stream.map(row)
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    const attributes = { kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {} } as const
    return [{ piece: 'account', id: `unknown-${made++}`, valid: null, attributes }]
  }
}
