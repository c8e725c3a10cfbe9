import { describe, expect, it } from 'vitest'
import { absolute, nextLink } from '../../../src/connect/paging/link.ts'

const at = 'https://app.example/api/users?page=1'

describe('the next address of a Link header', () => {
  it.each([
    ['<https://app.example/api/users?page=2>; rel="next"', 'https://app.example/api/users?page=2'],
    ['</api/users?page=2>; rel=next', 'https://app.example/api/users?page=2'],
    ['<?page=2>;rel="prev next"', 'https://app.example/api/users?page=2'],
    ['<?a=1,2;3>; title="x, <y>; rel=\\"next\\""; rel="first", <?page=3>; REL="Next"', 'https://app.example/api/users?page=3'],
    ['<?page=9>; rel="last", <?page=2>; rel="next"; results="true"', 'https://app.example/api/users?page=2'],
  ])('%s', (header, expected) => expect(nextLink(header, at)).toBe(expected))

  it.each([[undefined], [''], ['<?page=2>; rel="prev"'], ['garbage'], ['<?page=2>; rel="nextish"']])('none in %s', (header) => expect(nextLink(header, at)).toBeNull())
})

describe('the next address of a body', () => {
  it.each([['/api/users?c=2', 'https://app.example/api/users?c=2'], ['https://other.example/x', 'https://other.example/x'], ['', null], [null, null]])(
    '%s', (address, expected) => expect(absolute(address, at)).toBe(expected))
})
