import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { Secret, redact, resolveSecret } from '../../src/connect/secrets.ts'
import { ConnectError } from '../../src/ports/connector.ts'

const baseDir = mkdtempSync(join(tmpdir(), 'grantline-secrets-'))
afterAll(() => rmSync(baseDir, { recursive: true, force: true }))
const sources = { env: { TOKEN: 'from-env', EMPTY: '' }, baseDir }

async function refusal(reference: string): Promise<ConnectError> {
  const outcome = await resolveSecret(reference, sources).catch((error: unknown) => error)
  if (outcome instanceof ConnectError) return outcome
  throw new Error('expected a refusal')
}

describe('a reference', () => {
  it('env: is a variable, file: is a file without its last line break', async () => {
    writeFileSync(join(baseDir, 'token'), 'from\nfile\r\n')
    expect((await resolveSecret('env:TOKEN', sources)).reveal()).toBe('from-env')
    expect((await resolveSecret('file:token', sources)).reveal()).toBe('from\nfile')
    expect((await resolveSecret(`file:${join(baseDir, 'token')}`, sources)).reveal()).toBe('from\nfile')
  })

  it.each(['env:MISSING', 'env:EMPTY', 'file:missing'])('%s that leads nowhere is named', async (reference) => {
    const error = await refusal(reference)
    expect(error.class).toBe('configuration')
    expect(error.message).toContain(reference)
  })

  it('that is the secret itself is refused without being repeated', async () => {
    const error = await refusal('hunter2-hunter2')
    expect(error.class).toBe('configuration')
    expect(error.message).not.toContain('hunter2')
  })
})

describe('a secret', () => {
  const secret = new Secret('hunter2')
  it.each([
    ['toString', secret.toString()],
    ['concatenation', ['a', secret].join(' ')],
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ secret }, { depth: 9, showHidden: true })],
    ['format', format('%s %o %j', secret, secret, secret)],
  ])('never prints through %s', (_how, text) => {
    expect(text).not.toContain('hunter2')
    expect(text).toContain('<secret>')
  })

  it('is taken out of texts in its common spellings', () => {
    const key = new Secret('p@ss/word')
    const text = 'a p@ss/word b p%40ss%2Fword c cEBzcy93b3Jk'
    expect(redact(text, [key])).toBe('a <secret> b <secret> c <secret>')
  })
})
