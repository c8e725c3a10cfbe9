import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asConnectError, asRejection } from '../../src/connect/errors.ts'
import { ConnectError, MappingError } from '../../src/ports/connector.ts'

/** Whatever is thrown by `run`. */
function thrown(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

describe('a row that can not be mapped', () => {
  it('is told by what the connector says, with the id it could read', () => {
    expect(asRejection(new MappingError('no name', 'u1'))).toEqual({ code: 'mapping', reason: 'no name', id: 'u1' })
  })

  it('is told by field and expectation, never by value', () => {
    const schema = z.strictObject({ age: z.number(), kind: z.enum(['a', 'b']), when: z.object({ day: z.int() }) })
    const { code, reason } = asRejection(thrown(() => schema.parse({ age: 'S3cret', kind: 'S3cret', when: { day: 'S3cret' } })))
    expect(code).toBe('shape')
    expect(reason).toMatch(/^age: .*number.*; kind: .*"a"\|"b".*; when\.day: /)
    expect(reason).not.toContain('S3cret')
  })

  it('is told shortly, however many fields are wrong', () => {
    const many = z.object(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, z.string()])))
    expect(asRejection(thrown(() => many.parse({}))).reason).toMatch(/and 45 more$/)
  })

  it('does not quote what a parser quotes', () => {
    const error = thrown(() => JSON.parse('S3cret') as unknown)
    expect(asRejection(error)).toEqual({ code: 'bug', reason: 'SyntaxError: something could not be parsed', id: null })
    expect(asConnectError(error, 'page 1')).toMatchObject({ class: 'fatal', place: 'page 1', message: 'SyntaxError: something could not be parsed' })
  })
})

describe('an error of a connector', () => {
  it('stays what the connector made of it; anything else is fatal, at the last known place', () => {
    const own = new ConnectError('throttled', 'slow down', 'page 7')
    expect(asConnectError(own, 'elsewhere')).toBe(own)
    expect(asConnectError(new TypeError('x is not a function'), 'page 3')).toMatchObject({ class: 'fatal', place: 'page 3', message: 'TypeError: x is not a function' })
    expect(asConnectError('text', 'page 3').class).toBe('fatal')
  })
})
