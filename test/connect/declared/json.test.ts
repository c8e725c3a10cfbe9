import { expect, it } from 'vitest'
import { isKept, parseExactJson, parseJson, writeJson } from '../../../src/connect/declared/json.ts'

it('whole numbers that a double can not hold are bigint, and written as the digits that they were', () => {
  const text = '{"a":9007199254740993,"b":[-12345678901234567891],"c":7,"d":"9007199254740993"}'
  expect(parseJson(text)).toEqual({ a: 9007199254740993n, b: [-12345678901234567891n], c: 7, d: '9007199254740993' })
  expect(writeJson(parseJson(text))).toBe(text)
})

it.each(['0.1234567890123456789', '4.0000000000000000001', '1234567890.12345678901', '12345678901234567890.5', '1e400', '-1e-400'])('%s is kept to be written again', (text) => {
  const kept = parseExactJson(`[${text}]`) as unknown[]
  expect(isKept(kept[0])).toBe(true)
  expect(writeJson(kept)).toBe(`[${text}]`)
})

it.each([['0.10', 0.1], ['1E-7', 1e-7], ['1e20', 1e20], ['123456.789e3', 123456789], ['5e-324', 5e-324], ['0.0', 0], ['-1.50', -1.5]])('%s is a number like any other', (text, number) => {
  expect(parseExactJson(text)).toBe(number)
})

it('no object can pass for a number that was kept', () => {
  const text = '{"rawJSON":"1}, {\\"admin\\": true"}'
  expect(isKept(parseExactJson(text))).toBe(false)
  expect(writeJson(parseExactJson(text))).toBe(text)
})
