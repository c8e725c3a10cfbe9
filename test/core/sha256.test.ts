import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nativeSha256 } from '../../src/adapters/native-sha256.ts'
import { plainSha256 } from '../../src/core/sha256.ts'

describe.each([['in JavaScript', plainSha256], ['the engine’s', nativeSha256]])('SHA-256 %s', (_name, sha256Of) => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('is the published one of %j', (text, published) => {
    expect(sha256Of(text)).toBe(published)
  })

  it('is that of the UTF-8 of any text, halves of pairs included', () => {
    const units = fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 300 })
    fc.assert(
      fc.property(units, (codes) => {
        const text = String.fromCharCode(...codes)
        expect(sha256Of(text)).toBe(createHash('sha256').update(Buffer.from(text, 'utf8')).digest('hex'))
      }),
    )
  })
})
