import { createHash, timingSafeEqual } from 'node:crypto'
import type { Right } from '../../schemas/config.ts'
import { ApiError } from './api-error.ts'

/** Who asks. `name`: of its token in the config file; null: whoever has the installation's own, which may do everything. */
export type Caller = { readonly name: null } | { readonly name: string; readonly may: readonly Right[] }

interface NamedToken {
  name: string
  token: string
  may: readonly Right[]
}

/** The tokens of an installation, told apart by what they are; each is compared, in constant time, whichever is right. */
export class Callers {
  readonly #known: readonly { digest: Buffer; caller: Caller }[]

  /** `own`: may do everything. Throws where one secret would be several tokens. */
  constructor(own: string, named: readonly NamedToken[] = []) {
    this.#known = [{ digest: digestOf(own), caller: { name: null } }, ...named.map(({ name, token, may }) => ({ digest: digestOf(token), caller: { name, may } }))]
    for (const [i, { digest, caller }] of this.#known.entries()) {
      const twin = this.#known.slice(0, i).find((other) => other.digest.equals(digest))
      if (twin !== undefined) throw new Error(`http.tokens.${caller.name} has the secret of ${twin.caller.name === null ? 'http.token' : `http.tokens.${twin.caller.name}`}: give each token one of its own`)
    }
  }

  /** `header`: Authorization (RFC 6750). Throws ApiError 401. */
  of(header: string | undefined): Caller {
    const given = digestOf(header?.replace(/^Bearer /, '') ?? '')
    const right = this.#known.filter(({ digest }) => timingSafeEqual(digest, given))
    if (right[0] === undefined) throw new ApiError(401, 'the bearer token is missing or wrong')
    return right[0].caller
  }
}

/** Throws ApiError 403. */
export function requireRight(caller: Caller, right: Right): void {
  if (caller.name === null || caller.may.includes(right)) return
  throw new ApiError(403, `token ${caller.name} may not ${right}: it may ${caller.may.join(', ')} (http.tokens in the config file)`)
}

/** Who decided, as it is recorded: what a caller says of itself, with the token that it came by. */
export const signed = <T extends { by: string }>(decision: T, { name }: Caller): T => (name === null ? decision : { ...decision, by: `${decision.by} (token ${name})` })

/** All are equally long, so comparing them tells nothing of how long a secret is. */
const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()
