import { describe, expect, it } from 'vitest'
import { isMaskedName, looksSecret, withoutSecrets } from '../../src/connect/secret-like.ts'
import type { Mapped } from '../../src/ports/connector.ts'

const secrets = [
  '-----BEGIN RSA PRIVATE KEY-----\nMIIE',
  `ghp_${'a1B2'.repeat(9)}`,
  ['xoxb', '1234567890-abcdef'].join('-'),
  ['sk', 'live', '4eC39HqLyjWDarjt'].join('_'),
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4',
  '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
  '$argon2id$v=19$m=65536',
  '{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3',
  'postgres://app:hunter2@db.example.org/app',
]
const plain = ['Ann Example', 'ann@example.org', 'https://example.org/a:b', 'key-7', 'AKIAIOSFODNN7EXAMPLE', '2026-01-01T00:00:00Z', 'task_live_from_now_on', '']

describe('what looks like a secret', () => {
  it.each(secrets)('%s', (text) => expect(looksSecret(text)).toBe(true))
  it.each(plain)('and what does not: %s', (text) => expect(looksSecret(text)).toBe(false))

  it('is masked in pieces, a name of a definition so that it can be told', () => {
    const attributes = { kind: 'human', status: 'active', display: 'Ann', created: null, lastUsed: null, owner: null, values: { note: `token ${secrets[1]!}`, mail: 'ann@example.org' } } as const
    const credential = (id: string): Mapped => ({ piece: 'credential', account: 'ann', credential: { id, kind: 'key', created: null, lastUsed: null, expires: null } })
    const role = (name: string): Mapped => ({ piece: 'definition', ref: { kind: 'role', id: 'r' }, name, valid: null })
    const pieces = withoutSecrets([{ piece: 'account', id: 'ann', valid: null, attributes }, credential(secrets[1]!), credential(secrets[3]!), credential('key-7'), role(secrets[6]!), role('readers')])
    expect(pieces[0]).toMatchObject({ id: 'ann', attributes: { display: 'Ann', values: { note: '<secret>', mail: 'ann@example.org' } } })
    const ids = pieces.flatMap((piece) => (piece.piece === 'credential' ? [piece.credential.id] : []))
    expect(new Set(ids).size).toBe(3)
    expect(ids[2]).toBe('key-7')
    expect(pieces.map(isMaskedName)).toEqual([false, false, false, false, true, false])
    for (const secret of secrets) expect(JSON.stringify(pieces)).not.toContain(secret)
  })
})
