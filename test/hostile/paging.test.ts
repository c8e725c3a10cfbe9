import { expect, it } from 'vitest'
import type { Answer } from '../../src/hostile/exchange.ts'
import type { RestStyle } from '../../src/hostile/names.ts'
import { hostileToken, restDialect } from '../../src/hostile/rest-dialect.ts'
import { World } from '../../src/hostile/world.ts'

const ask = (world: World, style: RestStyle, path: string): Answer =>
  restDialect(() => world, style).answer({ method: 'GET', target: path, url: new URL(path, 'http://localhost'), headers: { authorization: `Bearer ${hostileToken}` }, body: '', nth: 0 })

const [small, large] = [World.corpus(2_000), World.corpus(200_000)]

it.each([
  ['offset', (at: number) => `/admin/users?limit=100&offset=${at}`],
  ['cursor', (at: number) => `/admin/users?limit=100&at=u${String(at).padStart(7, '0')}`],
  ['key', (at: number) => `/admin/groups/g0/members?limit=100&after=u${String(at).padStart(7, '0')}`],
] as const)('a page by %s does not cost a hundred times as much of a hundred times as many accounts', (style, path) => {
  const cpuOf = (world: World, last: number): number => {
    ask(world, style, path(0)) // lists and sorts, once
    const begun = process.cpuUsage()
    for (let pages = 0; pages < 400; pages++) ask(world, style, path((pages * 97) % last))
    const { user, system } = process.cpuUsage(begun)
    return user + system
  }
  cpuOf(small, 1_000)
  // a page that copies or filters the whole list costs 100 times as much; memory that is not in the caches a few times
  expect(cpuOf(large, 190_000) / cpuOf(small, 1_000)).toBeLessThan(30)
})

it('pages hold the same rows as ever, also after rows came and went', () => {
  const world = World.corpus(30)
  world.remove('a/b')
  world.insertFirst('aaa')
  const ids = (answer: Answer): string[] => (answer.json as { items: { id: string }[] }).items.map(({ id }) => id)
  expect(ids(ask(world, 'offset', '/admin/users?limit=3&offset=0'))).toEqual(['aaa', 'o’brien', 'ann b'])
  const sorted = [...world.users.keys()].sort()
  expect(ids(ask(world, 'key', '/admin/users?limit=100'))).toEqual(sorted)
  expect(ids(ask(world, 'cursor', `/admin/users?limit=3&at=${encodeURIComponent(sorted[4]!)}`))).toEqual(sorted.slice(5, 8))
  world.groups.get('g0')!.members.push('zzz')
  expect(ids(ask(world, 'cursor', '/admin/groups/g0/members?limit=100'))).toContain('zzz')
})
