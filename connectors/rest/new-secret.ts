import type { Operation } from '../../schemas/wire/operations.ts'
import type { HandOver } from '../../src/connect/hand-over.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { ofAnswer, text } from './api.ts'
import { names } from './config.ts'

type Outcome = 'applied' | 'already'

/** The new secret of one step, from before the application is asked until its owner has it. */
interface NewSecret {
  /** Before the request: the secret to send, where it is made here. */
  begin(operation: Operation): Promise<string | undefined>
  /** The answer came: the new secret is handed over. */
  complete(operation: Operation, answer: object, place: string): Promise<void>
  /** It was rotated before: by us, then what is known is handed over; or by somebody else. Throws where only the lost answer told the secret. */
  found(operation: Operation, place: string): Promise<Outcome>
  /** Rethrows what went wrong; a refusal is the end of the rotation. */
  failed(operation: Operation, error: unknown): Promise<never>
}

/** `source`: `made`, or the expression that finds it in the answer. */
export function newSecret(source: string, handOver: HandOver): NewSecret {
  const inAnswer = source === 'made' ? null : ofAnswer(source, names.written, (value) => text(value) ?? undefined, 'the new secret')
  return {
    async begin(operation) {
      if (inAnswer === null) return await handOver.make(operation)
      await handOver.begin(operation)
      return undefined
    },
    async complete(operation, answer, place) {
      await handOver.complete(operation, inAnswer === null ? await handOver.make(operation) : told(inAnswer, answer, place))
    },
    async found(operation, place) {
      const known = await handOver.begun(operation)
      if (known === null) return 'already'
      if (known !== '') return await handOver.complete(operation, known)
      throw new SecretLost('it was rotated, and the answer with the new secret was lost', place)
    },
    async failed(operation, error) {
      if (!(error instanceof SecretLost)) await handOver.failed(operation, error)
      throw error
    },
  }
}

/** The rotation happened and nobody has the new secret: a person has to know, and no further try of ours would tell it. */
class SecretLost extends ConnectError {
  constructor(what: string, place: string) {
    super('conflict', `${what}: rotate it once more, in the application`, place)
  }
}

function told(inAnswer: (answer: object, place: string) => string, answer: object, place: string): string {
  try {
    return inAnswer(answer, place)
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    throw new SecretLost(`it was rotated, and the answer does not tell the new secret (${error.message})`, place)
  }
}
