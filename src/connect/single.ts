import type { Account } from '../../schemas/wire/raw.ts'
import { accountKey } from '../core/keys.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Outgoing } from '../runtime/publisher.ts'
import { ConnectError, type ConnectorSession, type Mapped } from '../ports/connector.ts'
import { type Frame, type PlacedPiece, assembleAccount } from './assemble.ts'
import { asConnectError, asRejection } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import { deadLetter } from './letters.ts'
import { classesOf } from './manifest.ts'
import { accountOf, checkPieces } from './pieces.ts'
import { backoffMs } from './retry.ts'
import { withoutSecrets } from './secret-like.ts'
import type { Source } from './source.ts'

interface SingleReadOptions {
  source: Source
  session: ConnectorSession
  readOne: NonNullable<ConnectorSession['readOne']>
  canonical(native: string): string
  signal: AbortSignal
}

const attempts = 3

/**
 * Reads one account and answers what to publish: an observation outside of any run, or `gone` where the application answers that
 * it has no such account. An answer that can't be mapped is a dead letter. Throws ConnectError after some attempts.
 */
export async function readSingle(native: string, options: SingleReadOptions): Promise<Outgoing[]> {
  const { source } = options
  const app = source.name
  const id = options.canonical(native)
  const key = accountKey(app, id)
  const observed = source.stamp()
  const place = `account ${native}`
  const answer = await readWithRetry(native, options)
  if (answer === null) return [{ topic: 'raw', key, record: gone(app, id, native, observed) }]
  let pieces: Mapped[]
  try {
    pieces = withoutSecrets(checkPieces(answer))
  } catch (error) {
    return [rejected(source, error, native, place, answer)]
  }
  const has = new Set(classesOf(options.session.streams))
  const frame: Frame = { app, run: null, has, whole: has, asOf: observed }
  const own = pieces
    .filter((piece) => accountOf(piece) !== null && options.canonical(accountOf(piece) ?? '') === id)
    .map((piece): PlacedPiece => ({ native: accountOf(piece) ?? native, stamp: observed, place, piece }))
  const { record, letters } = assembleAccount(id, own, frame)
  const outgoing: Outgoing[] = letters.map((letter) => deadLetter(source, null, letter))
  if (record === null && outgoing.length === 0) throw new ConnectError('schema', 'the answer speaks of another account', place)
  if (record !== null) outgoing.push({ topic: 'raw', key, record })
  return outgoing
}

async function readWithRetry(native: string, { readOne, signal, source }: SingleReadOptions): Promise<Mapped[] | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOne(native)
    } catch (thrown) {
      signal.throwIfAborted()
      const error = asConnectError(thrown, `account ${native}`)
      if (error.class !== 'transient' || attempt >= attempts) throw error
      await pause(source.clock, attempt, signal)
    }
  }
}

async function pause(clock: Clock, attempt: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(backoffMs({ baseMs: 500, maxMs: 10_000 }, attempt, Math.random()), signal)
  signal.throwIfAborted()
}

function rejected(source: Source, error: unknown, native: string, place: string, answer: readonly Mapped[]): Outgoing {
  const { code, reason } = asRejection(error)
  return deadLetter(source, null, { stage: 'map', code, reason, place, record: native, payload: '', print: fingerprint(answer) })
}

const gone = (app: string, id: string, native: string, observed: number): Account => ({
  type: 'Account', app, id, native, run: null, observed, valid: null, gone: true,
  attributes: null, memberships: null, grants: null, credentials: null,
})
