import type { Operation } from '../../schemas/wire/operations.ts'
import { HandOver } from '../../src/connect/hand-over.ts'
import { callDeadline } from '../../src/connect/writes/deadline.ts'
import { ConnectError, type Platform, type WriteSide } from '../../src/ports/connector.ts'
import { asksForSecret, bindable } from './bind.ts'
import type { SqlConfig, Write } from './config.ts'
import { openPostgresWriter } from './postgres.ts'
import { openSqliteWriter } from './sqlite.ts'
import type { Writer } from './writer.ts'

type Outcome = 'applied' | 'already'
/** What statements may ask for, by name. */
type Subject = Readonly<Record<string, string>>

/** Corrections by declared statements: each in a transaction of its own that first asks whether it is so, and at its end must find it so. */
export function writeSide(config: SqlConfig, platform: Platform): WriteSide {
  const declared = ({ name, ref }: Operation): Write | undefined =>
    config.write.find(({ operation, kind }) => operation === name && (kind === null || kind === ref?.kind))
  const handOver = config.handOver === null ? null : new HandOver(config.handOver, platform)
  return {
    operations: [...new Set(config.write.map(({ operation }) => operation))],
    steps: ({ name }) => [name],
    async ensure(operation, _step, key) {
      const place = `${operation.name} of ${operation.account}`
      const write = declared(operation)
      if (write === undefined) throw new ConnectError('schema', `no statements are declared for ${operation.name} of ${operation.ref?.kind ?? 'this'}`, place)
      const inTime = (subject: Subject): Promise<Outcome> => transaction(config, platform, write, subject, place)
      const asks = [write.holds, ...write.run].some((text) => asksForSecret(text, config.driver))
      return handOver !== null && asks ? await rotate(handOver, operation, key, inTime) : await inTime(subjectOf(operation, key))
    },
  }
}

/**
 * The new secret is on disk before the database hears of it. Where the database then says that it was rotated, it is handed over, so an
 * answer that was lost, or a crash in between, costs nothing; where it refused, the secret is forgotten.
 */
async function rotate(handOver: HandOver, operation: Operation, key: string, carryOut: (subject: Subject) => Promise<Outcome>): Promise<Outcome> {
  const before = await handOver.begun(operation)
  const secret = await handOver.make(operation)
  try {
    const outcome = await carryOut({ ...subjectOf(operation, key), secret })
    // Rotated, but not with a secret that was made here: by somebody else.
    if (outcome === 'already' && before === null) await handOver.drop(operation)
    else await handOver.complete(operation, secret)
    return outcome
  } catch (error) {
    await handOver.failed(operation, error)
    throw error
  }
}

/** The deadline cuts the connection: what is under way can’t go on after it. */
async function transaction(config: SqlConfig, platform: Platform, write: Write, subject: Subject, place: string): Promise<Outcome> {
  const deadline = callDeadline() ?? platform.signal
  if (isOver(deadline)) throw new ConnectError('transient', 'the time to write had passed before anything was sent', place)
  const writer = await (config.driver === 'sqlite' ? openSqliteWriter(config, platform) : openPostgresWriter(config, platform, subject))
  const late = (): void => writer.cut()
  deadline.addEventListener('abort', late)
  try {
    return await carryOut(config.driver, write, writer, subject, deadline, place)
  } catch (error) {
    if (isOver(deadline)) throw new ConnectError('transient', 'the time to write had passed before the database answered', place)
    throw error
  } finally {
    deadline.removeEventListener('abort', late)
    await writer.close().catch(() => undefined)
  }
}

async function carryOut(
  driver: SqlConfig['driver'], { holds, run }: Write, writer: Writer, subject: Subject, deadline: AbortSignal, place: string,
): Promise<Outcome> {
  const bound = (text: string): [sql: string, values: string[]] => {
    const { sql, names } = bindable(text, driver)
    return [sql, names.map((name) => subject[name] ?? missing(name, place))]
  }
  if (await writer.holds(...bound(holds), `${place}, before`)) return 'already'
  for (const [at, text] of run.entries()) await writer.run(...bound(text), `${place}, statement ${at + 1}`)
  if (!(await writer.holds(...bound(holds), `${place}, after`))) {
    throw new ConnectError('conflict', 'the statements ran and it is still not so: nothing was changed', place)
  }
  // Nothing counts before this: a connection that breaks here is asked again, and then finds it so or not.
  if (isOver(deadline)) throw new ConnectError('transient', 'the time to write had passed before the commit', place)
  await writer.commit(place)
  return 'applied'
}

const isOver = (deadline: AbortSignal): boolean => deadline.aborted

function subjectOf({ account, ref, credential, attributes }: Operation, key: string): Subject {
  return {
    account,
    key,
    ...(ref !== null && { ref: ref.id, kind: ref.kind }),
    ...(credential !== null && { credential }),
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`attributes.${name}`, value])),
  }
}

function missing(name: string, place: string): never {
  throw new ConnectError('schema', `the statement asks for :${name}, which this operation does not have`, place)
}
