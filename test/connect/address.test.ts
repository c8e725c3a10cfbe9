import { expect, it } from 'vitest'
import { holdsStep, pathSegment } from '../../src/connect/address.ts'

it('a segment is encoded whole, whatever it holds', () => {
  for (const id of ['ann b', 'a/b', '...', '.a', '..b', '%2e%2e', '../x', '?', '#', '\\', '名前', 'a\tb']) {
    const { pathname } = new URL(`http://host/users/${pathSegment(id, 'users')}/groups`)
    expect(decodeURIComponent(pathname.split('/')[2]!)).toBe(id)
    expect(pathname.split('/')).toHaveLength(4)
  }
})

it.each(['', '.', '..'])('"%s" is no segment: the address would be another one', (id) => {
  expect(() => pathSegment(id, 'user')).toThrow(expect.objectContaining({ class: 'schema', place: 'user', message: expect.stringContaining(`"${id}" can't stand in an address`) as string }))
})

it('half of a surrogate pair is told as what it is', () => {
  expect(() => pathSegment('ann\ud800', 'user')).toThrow(expect.objectContaining({ class: 'schema', place: 'user' }))
})

it.each([
  '..', '.', '%2e%2e', '%2E.', '.%2e', '%2e', '..\\members', '.\t.', '.\n', '.. ', '..?a=b', '..#a',
])('a step is found in whatever way it is written: %j', (part) => {
  expect(holdsStep(`http://host/teams/${part}`)).toBe(true)
})

it('a step is found nowhere else', () => {
  for (const address of ['http://host', 'http://host/', 'http://host/a/...', 'http://host/a/.b/b.', 'http://host/a?at=/../b', 'http://host/a#/../b', 'http://host/%252e%252e/b', 'http://host/..;v=1/b']) {
    expect(holdsStep(address), address).toBe(false)
  }
})
