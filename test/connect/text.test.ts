import { describe, expect, it } from 'vitest'
import { decodeText } from '../../src/connect/text.ts'

const decode = (bytes: Uint8Array, contentType?: string): string => decodeText(bytes, contentType, (reason) => new Error(`it ${reason}`))
const latin1 = Buffer.from('{"id":"müller"}', 'latin1')

describe('bytes are read', () => {
  it('as UTF-8 where nothing else is said, characters that stand for damage included', () => {
    const text = '{"id":"müller 名前 😀 \ufffd"}'
    for (const contentType of [undefined, 'application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF8"', 'text/csv; header=present']) expect(decode(Buffer.from(text), contentType)).toBe(text)
  })

  it('in the charset that is named', () => {
    for (const charset of ['iso-8859-1', 'ISO-8859-1', 'latin1', '"windows-1252"']) expect(decode(latin1, `application/json; charset=${charset}`)).toBe('{"id":"müller"}')
    expect(decode(Buffer.from('müller', 'utf16le'), 'text/plain; charset=utf-16le; x=y')).toBe('müller')
  })
})

describe('bytes are refused', () => {
  it('that are not what they say, or UTF-8 where they say nothing, naming the place and no content', () => {
    expect(() => decode(latin1)).toThrow(/^it is not UTF-8 at byte 9$/)
    expect(() => decode(latin1, 'application/json; charset=utf-8')).toThrow(/^it is not UTF-8 at byte 9$/)
    expect(() => decode(Buffer.from([0x61, 0xfc]), 'text/plain; charset=shift_jis')).toThrow(/^it is not shift_jis, as it says$/)
  })

  it('in a charset that nobody knows', () => {
    expect(() => decode(latin1, 'application/json; charset=ebcdic-of-ours')).toThrow(/^it is in a charset that is not known here$/)
    expect(() => decode(latin1, 'application/json; charset=""')).toThrow(/^it is in a charset that is not known here$/)
  })
})
