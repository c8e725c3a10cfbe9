import { digest } from '../core/canonical.ts'
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

export interface Masked {
  pieces: Mapped[]
  /** where something was masked: `account.values.note` */
  fields: string[]
}

/**
 * Pieces without what looks like a secret. A value is gone for good; an id becomes the digest of itself, so that it stays one and the
 * same. Ids of accounts are left as they are: nothing could be read again without them.
 */
export function withoutSecrets(pieces: readonly Mapped[]): Masked {
  const fields = new Set<string>()
  const mask = <T extends string | null>(field: string, text: T): T | '<secret>' => {
    if (text === null || !looksSecret(text)) return text
    fields.add(field)
    return '<secret>'
  }
  const maskId = (field: string, id: string): string => {
    if (!looksSecret(id)) return id
    fields.add(field)
    return `<secret ${digest(id).slice(0, 16)}>`
  }
  const masked = pieces.map((piece): Mapped => {
    switch (piece.piece) {
      case 'account': {
        const { attributes } = piece
        const values = Object.fromEntries(Object.entries(attributes.values).map(([name, value]) => [name, mask(`account.values.${name}`, value)]))
        return { ...piece, attributes: { ...attributes, display: mask('account.display', attributes.display), owner: mask('account.owner', attributes.owner), values } }
      }
      case 'credential':
        return { ...piece, credential: { ...piece.credential, id: maskId('credential.id', piece.credential.id) } }
      case 'definition':
        return { ...piece, name: mask('definition.name', piece.name) }
      case 'membership':
      case 'grant':
      case 'child':
        return piece
    }
  })
  return { pieces: fields.size === 0 ? [...pieces] : masked, fields: [...fields].sort() }
}

export const secretReason = (field: string): string => `${field} holds what looks like a secret: it was masked; take it out of the mapping, and the secret out of the application`
