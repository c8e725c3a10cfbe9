import type { Delivery } from '../../../schemas/wire/results.ts'
import { type Mapped, MappingError } from '../../ports/connector.ts'
import { type Expression, ExpressionError, parseExpression } from '../declared/expression.ts'
import { parseJson } from '../declared/json.ts'
import { compileMap, readTime } from '../declared/mapping.ts'
import { checkPieces } from '../pieces.ts'
import { withoutSecrets } from '../secret-like.ts'
import { decodeText } from '../text.ts'
import type { WebhookConfig } from './config.ts'
import { type Incoming, type Verified, verifyHmac, verifyStandard } from './signature.ts'

/** `refused`: it is not the application's. */
export type Received = { delivery: Delivery } | { refused: string }

export interface Receiver {
  /** Verified, and reduced to what the mapping lets through: nothing else of the body goes anywhere. */
  receive(incoming: Incoming, nowMs: number): Received
}

/** `secrets`: the values of `verify.secrets`. */
export function createReceiver(app: string, config: WebhookConfig, secrets: readonly string[]): Receiver {
  const of = (source: string | undefined): Expression | null => (source === undefined ? null : parseExpression(source, ['body']))
  const [when, accounts, gone, time, sequence] = [of(config.when), of(config.accounts), of(config.gone), of(config.time), of(config.sequence)]
  const map = config.map === undefined ? null : compileMap(config.map)
  const remove = config.remove === undefined ? null : compileMap(config.remove)
  const verify = (incoming: Incoming, nowMs: number): Verified =>
    config.verify.kind === 'standard'
      ? verifyStandard(incoming, secrets, nowMs, config.toleranceSeconds * 1_000)
      : verifyHmac(incoming, secrets, config.verify)
  return {
    receive(incoming, nowMs) {
      const verified = verify(incoming, nowMs)
      if ('refused' in verified) return verified
      const frame = { type: 'Delivery' as const, app, id: verified.id, received: nowMs }
      const empty = { time: null, sequence: null, accounts: [], gone: null, whole: config.whole, pieces: '[]', removed: '[]', rejected: null }
      try {
        // Always UTF-8: no signature is over a charset in a header.
        const body: unknown = parseJson(decodeText(incoming.body, undefined, (reason) => new MappingError(`the body ${reason}`, null)))
        if (when?.evaluate({ body }) !== true) return { delivery: { ...frame, ...empty } }
        const row = { row: body, parent: null }
        const pieces = (mapped: ((of: typeof row) => Mapped[]) | null): string => JSON.stringify(withoutSecrets(checkPieces(mapped?.(row) ?? [])))
        return {
          delivery: {
            ...frame, ...empty,
            time: time === null ? null : readTime(time.evaluate({ body })),
            sequence: sequence === null ? null : whole(sequence.evaluate({ body }), sequence),
            accounts: accounts === null ? [] : ids(accounts.evaluate({ body }), accounts),
            gone: gone === null ? null : (ids(gone.evaluate({ body }), gone)[0] ?? null),
            pieces: pieces(map),
            removed: pieces(remove),
          },
        }
      } catch (error) {
        // Verified, so it is ours to keep: what it meant is a loss that somebody has to see.
        return { delivery: { ...frame, ...empty, rejected: reasonOf(error) } }
      }
    },
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MappingError || error instanceof ExpressionError) return error.message
  return error instanceof SyntaxError ? 'the body is not JSON' : 'the delivery could not be mapped'
}

function whole(value: unknown, { source }: Expression): number | null {
  if (value === null || value === undefined) return null
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  throw new ExpressionError(`${source}: expected a whole number`)
}

function ids(value: unknown, { source }: Expression): string[] {
  const list: unknown[] = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]
  return list.map((id) => {
    if (typeof id === 'string' && id !== '') return id
    if (typeof id === 'bigint' || (typeof id === 'number' && Number.isSafeInteger(id))) return String(id)
    throw new ExpressionError(`${source}: expected ids`)
  })
}
