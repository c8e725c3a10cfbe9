import { randomUUID } from 'node:crypto'
import type { Operation } from '../../schemas/wire/operations.ts'
import type { AppSource } from '../../src/connect/app-reader.ts'
import { type ConnectorSession, ConnectError, type Mapped, type WriteSide } from '../../src/ports/connector.ts'

type Writer = Required<Pick<ConnectorSession, 'write' | 'readOne'>>
type Ensure = WriteSide['ensure']

/** What careless write sides do, each on top of one that does not. */
export const writeBreaks = {
  'takes errors for success': (writer: Writer): Writer => ensuring(writer, (ensure) => (...call) => ensure(...call).catch(() => 'applied')),
  'takes every refusal for done before': (writer: Writer): Writer =>
    ensuring(writer, (ensure) => (...call) =>
      ensure(...call).catch((error: unknown) => {
        if (error instanceof ConnectError && error.class !== 'transient') return 'already'
        throw error
      })),
  'asks with another key each time': (writer: Writer): Writer => ensuring(writer, (ensure) => (operation, step) => ensure(operation, step, randomUUID())),
  'says that everything was so before': (writer: Writer): Writer => ensuring(writer, (ensure) => async (...call) => (await ensure(...call), 'already')),
  'reads back what it believes to have written': (writer: Writer): Writer => believing(writer),
} as const satisfies Record<string, (writer: Writer) => Writer>

export type WriteBreak = keyof typeof writeBreaks

export const brokenWriter = (name: WriteBreak) => (app: AppSource): AppSource => ({
  ...app,
  async open(platform): Promise<ConnectorSession> {
    const session = await app.open(platform)
    const { write, readOne } = session
    if (write === undefined || readOne === undefined) throw new Error('nothing to break')
    return { ...session, ...writeBreaks[name]({ write, readOne }), close: () => session.close() }
  },
})

const ensuring = (writer: Writer, change: (ensure: Ensure) => Ensure): Writer => ({ ...writer, write: { ...writer.write, ensure: change((...call) => writer.write.ensure(...call)) } })

const believed = new Map<string, Operation>()

function believing({ write, readOne }: Writer): Writer {
  return {
    write: {
      ...write,
      async ensure(operation, ...rest) {
        believed.delete(operation.account)
        const outcome = await write.ensure(operation, ...rest)
        believed.set(operation.account, operation)
        return outcome
      },
    },
    async readOne(id) {
      const pieces = await readOne(id)
      const operation = believed.get(id)
      return pieces === null || operation === undefined ? pieces : pieces.map((piece) => asBelieved(piece, operation)).concat(added(operation))
    },
  }
}

function asBelieved(piece: Mapped, { name }: Operation): Mapped {
  if (piece.piece !== 'account' || (name !== 'disable-account' && name !== 'enable-account')) return piece
  return { ...piece, attributes: { ...piece.attributes, status: name === 'disable-account' ? 'disabled' : 'active' } }
}

const added = ({ name, account, ref }: Operation): Mapped[] => (name === 'grant' && ref !== null ? [{ piece: 'membership', account, ref, valid: null }] : [])
