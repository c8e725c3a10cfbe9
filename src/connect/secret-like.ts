import { digest } from '../core/canonical.ts'
import { secretIdMark, secretMark } from '../core/secret-mark.ts'
import type { Mapped } from '../ports/connector.ts'

/** What nothing but a secret looks like: keys, tokens and password hashes of the kinds that announce themselves. */
const kinds: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bgh[opsru]_[A-Za-z0-9]{36,}/,
  /\bgithub_pat_\w{50,}/,
  /\bglpat-[\w-]{20,}/,
  /\bxox[abeoprs]-[\w-]{10,}/,
  /\b[rs]k_live_\w{16,}/,
  /\bwhsec_[\w+/=]{16,}/,
  /\bnpm_[A-Za-z0-9]{36}/,
  /\bAIza[\w-]{35}/,
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/,
  /\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/,
  /\$argon2(id|i|d)\$/,
  /\$[156]\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22,}/,
  /\{(S?SHA(256|512)?|CRYPT|PBKDF2)\}\S{16,}/i,
  /:\/\/[^\s/:@]+:[^\s/@]+@/,
]

export const looksSecret = (text: string): boolean => kinds.some((kind) => kind.test(text))

/**
 * Pieces without what looks like a secret. A value is gone for good; an id becomes the digest of itself, so that it stays one and the
 * same. Ids of accounts are left as they are: nothing could be read again without them. The marks tell where: normalise finds them.
 */
export function withoutSecrets(pieces: readonly Mapped[]): Mapped[] {
  return pieces.map((piece): Mapped => {
    switch (piece.piece) {
      case 'account': {
        const { attributes } = piece
        const values = Object.fromEntries(Object.entries(attributes.values).map(([name, value]) => [name, mask(value)]))
        return { ...piece, attributes: { ...attributes, display: mask(attributes.display), owner: mask(attributes.owner), values } }
      }
      case 'credential':
        return { ...piece, credential: { ...piece.credential, id: maskId(piece.credential.id) } }
      case 'definition':
        return { ...piece, name: mask(piece.name) }
      case 'membership':
      case 'grant':
      case 'child':
        return piece
    }
  })
}

const mask = <T extends string | null>(text: T): T | typeof secretMark => (text === null || !looksSecret(text) ? text : secretMark)
const maskId = (id: string): string => (looksSecret(id) ? `${secretIdMark}${digest(id).slice(0, 16)}>` : id)

/** A definition's name, which no account shows. */
export const isMaskedName = (piece: Mapped): boolean => piece.piece === 'definition' && piece.name === secretMark
