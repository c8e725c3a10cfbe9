import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { Paging, strategyOf } from '../../../src/connect/paging/config.ts'
import type { Endpoint } from '../../../src/connect/paging/endpoint.ts'
import { readStream, type StreamOutcome } from '../../../src/connect/read-stream.ts'
import { Spool } from '../../../src/connect/spool.ts'
import type { Stream } from '../../../src/ports/connector.ts'
import { type ListAnswer, type PagedServer, rowsOf, startPagedServer } from '../../support/paged-server.ts'
import { endpointOf, pagesOf, streamOf } from './walking.ts'

type Config = z.input<typeof Paging>

const kinds: Config[] = [
  { by: 'offset' },
  { by: 'index', count: 'limit' },
  { by: 'page', count: 'limit' },
  { by: 'cursor' },
  { by: 'link' },
  { by: 'url' },
  { by: 'key', order: 'text' },
  { by: 'once', whole: true },
]
const paged = kinds.filter(({ by }) => by !== 'once')
const counted = kinds.filter(({ by }) => by === 'offset' || by === 'index' || by === 'page')
const chained = kinds.filter(({ by }) => by === 'cursor' || by === 'link' || by === 'url')
const named = (configs: readonly Config[]): [string, Config][] => configs.map((config) => [config.by, config])

let server: PagedServer
let spool: Spool
let dir: string
beforeEach(async () => {
  server = await startPagedServer(23)
  dir = mkdtempSync(join(tmpdir(), 'grantline-paging-'))
  spool = new Spool(dir)
})
afterEach(async () => {
  spool.close()
  rmSync(dir, { recursive: true })
  await server.stop()
})

const body = (answer: ListAnswer): Exclude<ListAnswer['body'], string> => {
  if (typeof answer.body === 'string') throw new Error('the body is text')
  return answer.body
}

/** The read as the platform makes it, with ledger and spool. */
async function read(config: Config, pageSize = 5, stream = streamOf(server, config, pageSize)): Promise<StreamOutcome & { ids: string[] }> {
  let stamp = 0
  const outcome = await readStream(stream, 0, {
    spool, signal: new AbortController().signal, canonical: (native) => native, stamp: () => ++stamp, shapeOf: () => undefined, opened: 0,
  })
  return { ...outcome, ids: [...spool.objects('account')].map(([row]) => row!.object) }
}

/** The same list, of whose rows nothing is known to name them. */
const unnamed = (config: Config, pageSize = 5): Stream => streamOf(server, config, pageSize, () => null)

const all = rowsOf(23).map(({ id }) => id)

describe.each(named(kinds))('by %s', (_, config) => {
  it('an honest list is read to its end and proven', async () => {
    expect(await read(config)).toMatchObject({ verdict: 'complete', ids: all, error: null })
  })

  it('a list without rows is read to its end and proven', async () => {
    server.rows = []
    expect(await read(config)).toMatchObject({ verdict: 'complete', ids: [], error: null })
  })

  it('a list that fills its pages exactly', async () => {
    server.rows = rowsOf(20)
    expect(await read(config)).toMatchObject({ verdict: 'complete', ids: all.slice(0, 20) })
  })
})

describe.each(named(paged))('by %s', (_, config) => {
  it('a source that gives fewer rows than asked loses nothing', async () => {
    server.maxPage = 3
    // A page number means another place where pages are smaller, so it must be the source's own size.
    expect(await read(config, config.by === 'page' ? 3 : 5)).toMatchObject({ verdict: 'complete', ids: all })
  })

  it('every page is the first one: it ends, and the loss is named', async () => {
    server.bend = (answer, request) => (request === 1 ? null : { ...answer, body: { ...body(answer), items: server.rows.slice(0, 5), next: 'u0004' } })
    const outcome = await read(config)
    expect(server.fired).toBeGreaterThan(0)
    expect(server.requests.length).toBeLessThan(40)
    expect(outcome).toMatchObject({ verdict: 'partial' })
  })

  it('a page that is cut short once is made good by the next request or by a second read', async () => {
    server.bend = (answer, request) => {
      if (request !== 3) return null
      const { items, ...rest } = body(answer)
      return { ...answer, body: { ...rest, items: items.slice(0, -1) } }
    }
    expect(await read(config)).toMatchObject({ verdict: 'complete', ids: all })
    expect(server.fired).toBe(1)
  })

  it('a row that the source never gives is a loss', async () => {
    server.bend = (answer) => {
      const { items, ...rest } = body(answer)
      return items.some(({ id }) => id === 'u0012') ? { ...answer, body: { ...rest, items: items.filter(({ id }) => id !== 'u0012') } } : null
    }
    expect(await read(config)).toMatchObject({ verdict: 'partial' })
    expect(server.fired).toBeGreaterThan(0)
  })

  it('an empty page in the middle is no end', async () => {
    server.bend = (answer, request) => (request === 3 ? { ...answer, body: { ...body(answer), items: [] } } : null)
    const outcome = await read(config)
    expect(server.fired).toBe(1)
    if (outcome.ids.length < all.length) expect(outcome.verdict).toBe('partial')
  })

  it('a total that lies is seen', async () => {
    server.bend = (answer) => ({ ...answer, body: { ...body(answer), total: 30 } })
    expect((await read(config)).verdict).toBe('partial')
    expect(server.fired).toBeGreaterThan(0)
  })

  it('no total at all: only a chain proves itself', async () => {
    server.bend = (answer) => {
      const { total: _total, ...rest } = body(answer)
      return { ...answer, body: rest }
    }
    const outcome = await read(config)
    expect(outcome.ids).toEqual(all)
    expect(outcome.verdict).toBe(config.by === 'offset' || config.by === 'index' || config.by === 'page' ? 'unknown' : 'complete')
  })

  it('a server error in the middle leaves what was read and names the place', async () => {
    server.bend = (answer, request) => (request >= 3 ? { ...answer, status: 500 } : null)
    const outcome = await read(config)
    expect(server.fired).toBeGreaterThan(0)
    expect(outcome).toMatchObject({ verdict: 'partial', error: { class: 'transient' } })
    expect(outcome.place).toMatch(/^users page/)
  })

  it('rows deleted behind the walk hide none that stayed', async () => {
    server.before = (request) => {
      // One goes and one comes: the total stays.
      if (request === 3) server.rows = [...server.rows.slice(2), { id: 'u9998', name: 'new' }, { id: 'u9999', name: 'new' }]
    }
    const outcome = await read(config)
    const missed = all.slice(2).filter((id) => !outcome.ids.includes(id))
    if (outcome.verdict === 'complete') expect(missed).toEqual([])
    else expect(outcome.verdict).toBe('partial')
  })
})

describe.each(named(counted))('by %s, of rows without ids', (_, config) => {
  it('an honest list is read to its end and proven', async () => {
    expect(await read(config, 5, unnamed(config))).toMatchObject({ verdict: 'complete', ids: all, error: null })
  })

  it('a list that ignores which page is asked for ends, and the loss is named', async () => {
    server.bend = (answer) => ({ ...answer, body: { items: server.rows.slice(0, 5) } })
    const outcome = await read(config, 5, unnamed(config))
    expect(outcome).toMatchObject({ verdict: 'partial', ids: all.slice(0, 5), place: expect.stringContaining('users page 2 (') as string })
    expect(outcome.reason).toMatch(/the list ignores (offset|startIndex|page) or repeats itself/)
    // twice: where the paging broke, it is read once more
    expect(server.requests).toHaveLength(4)
  })

  it('so does one that gives its rows in another order each time', async () => {
    server.bend = (answer, request) => ({ ...answer, body: { items: server.rows.slice(0, 5).toSorted((a, b) => (request % 2 === 0 ? 1 : -1) * a.id.localeCompare(b.id)) } })
    expect(await read(config, 5, unnamed(config))).toMatchObject({ verdict: 'partial', error: { class: 'partial' } })
    expect(server.requests).toHaveLength(4)
  })

  it('as many rows as the source counts are no proof where a page repeats: it may count the page', async () => {
    server.bend = (answer) => ({ ...answer, body: { items: server.rows.slice(0, 5), total: 5 } })
    expect(await read(config, 5, unnamed(config))).toMatchObject({ verdict: 'partial', ids: all.slice(0, 5) })
  })

  it('a list whose rows differ each time ends a while after its count', async () => {
    server.bend = (answer, request) => ({ ...answer, body: { items: [{ id: 'u0000', name: `seen ${request}` }], total: 1 } })
    const { error } = await pagesOf(unnamed(config))
    expect(error).toMatchObject({ class: 'partial', message: expect.stringContaining('of 1 that the source counts') as string })
    expect(server.requests.length).toBeLessThan(110)
  })
})

describe.each(named(counted))('by %s', (_, config) => {
  it('a list that ignores which page is asked for and gives its rows in another order each time ends soon', async () => {
    server.bend = (answer, request) => {
      const { items } = body({ ...answer, body: { items: server.rows } })
      return { ...answer, body: { items: [...items.slice(request % 23), ...items.slice(0, request % 23)] } }
    }
    expect(await read(config)).toMatchObject({ verdict: 'partial', error: { class: 'partial' } })
    expect(server.requests.length).toBeLessThan(8)
  })

  it('rows past a count that is too low are read all the same', async () => {
    server.rows = rowsOf(400)
    server.bend = (answer) => ({ ...answer, body: { ...body(answer), total: 2 } })
    expect((await read(config, 5)).ids).toHaveLength(400)
  })

  it('rows that can not be read do not come for ever', async () => {
    const endpoint = endpointOf(server, Paging.parse(config), 5)
    const rejected = [{ id: null, code: 'row', reason: 'no object', place: 'somewhere', payload: '7' }]
    let asked = 0
    const ask: Endpoint['ask'] = () => Promise.resolve({ rows: [], rejected, total: asked++ < 50 ? null : 0, start: null, next: null })
    const { error } = await pagesOf({ ...streamOf(server, config, 5), pages: () => strategyOf(Paging.parse(config), () => null).walk({ ...endpoint, ask }, null) })
    expect(error).toMatchObject({ class: 'partial' })
    expect(asked).toBe(2)
  })
})

describe('by position', () => {
  it('asks for each page from the last row already read', async () => {
    await pagesOf(streamOf(server, { by: 'offset' }, 10))
    expect(server.requests).toEqual(['/users?offset=0&limit=10', '/users?offset=9&limit=10', '/users?offset=18&limit=10', '/users?offset=22&limit=10', '/users?offset=23&limit=10'])
  })

  it('goes on behind a page, in another process as well', async () => {
    const stream = streamOf(server, { by: 'offset' }, 10)
    const first = (await stream.pages()[Symbol.asyncIterator]().next()).value as { resume: string }
    expect((await pagesOf(stream, first.resume)).ids).toEqual(all.slice(10))
  })

  it('begins again where the position is not one it wrote', async () => {
    expect((await pagesOf(streamOf(server, { by: 'offset' }, 10), 'v0')).error).toMatchObject({ class: 'partial' })
  })
})

describe('by page number', () => {
  it('asks for each page again after the next one', async () => {
    await pagesOf(streamOf(server, { by: 'page', count: 'limit' }, 10))
    expect(server.requests.map((request) => /page=(\d+)/.exec(request)?.[1]).join('')).toBe('1213243')
  })

  it('without the second look nothing is proven', async () => {
    expect(await read({ by: 'page', count: 'limit', recheck: false })).toMatchObject({ verdict: 'unknown', ids: all })
  })

  it('a page beyond the end may be not found, the first one may not', async () => {
    server.bend = (answer, _request, url) => (Number(url.searchParams.get('page')) > 5 ? { ...answer, status: 404 } : null)
    expect(await read({ by: 'page', count: 'limit' })).toMatchObject({ verdict: 'complete', ids: all })
    server.bend = (answer) => ({ ...answer, status: 404 })
    expect((await pagesOf(streamOf(server, { by: 'page' }, 5))).error).toMatchObject({ class: 'not-found' })
  })

  it('a not-found in the middle is no end: the count does not hold', async () => {
    server.bend = (answer, _request, url) => (Number(url.searchParams.get('page')) > 2 ? { ...answer, status: 404 } : null)
    expect((await read({ by: 'page', count: 'limit' })).verdict).toBe('partial')
  })
})

describe.each(named(chained))('by %s', (_, config) => {
  it('rows without ids that come again are a loss, except of events, of which equal ones may follow', async () => {
    server.rows = server.rows.map((row) => ({ ...row, name: 'user' }))
    server.bend = (answer) => ({ ...answer, body: { ...body(answer), items: [{ id: 'u0000', name: 'user' }] } })
    const endpoint = endpointOf(server, Paging.parse(config), 5, () => null)
    const walked = (events: boolean) => pagesOf({ ...unnamed(config), pages: () => strategyOf(Paging.parse(config), () => null).walk({ ...endpoint, events }, null) })
    expect((await walked(false)).error).toMatchObject({ class: 'partial', message: expect.stringContaining('gave the same rows again') as string })
    expect((await walked(true)).pages).toHaveLength(5)
  })

  it('a chain that pretends to end is believed no further than its total', async () => {
    server.bend = (answer, request) => (request === 2 || request === 4 ? { ...answer, headers: {}, body: { ...body(answer), next: null } } : null)
    const outcome = await read(config)
    expect(server.fired).toBe(2)
    expect(outcome).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('10 of 23') as string })
  })

  it('a loss at the end of one attempt is made good by the second', async () => {
    server.bend = (answer, request) => (request === 2 ? { ...answer, headers: {}, body: { ...body(answer), next: null } } : null)
    expect(await read(config)).toMatchObject({ verdict: 'complete', ids: all })
    expect(server.fired).toBe(1)
  })

  it('a cursor that comes back to where it was has no end', async () => {
    const first = '/users?cursor=u0004&limit=5'
    server.bend = (answer, request) => (request === 1 ? null : { ...answer, headers: { link: `<${first}>; rel=next` }, body: { ...body(answer), next: config.by === 'url' ? first : 'u0004' } })
    const { error } = await pagesOf(streamOf(server, config, 5))
    expect(error).toMatchObject({ class: 'partial' })
    expect(server.requests.length).toBeLessThan(6)
  })

  it('an expired cursor begins the walk again, once', async () => {
    server.bend = (answer, request) => (request === 3 ? { ...answer, status: 410 } : null)
    expect(await read(config)).toMatchObject({ verdict: 'complete', ids: all, error: null })
    expect(server.fired).toBe(1)
    server.requests.length = 0
    server.bend = (answer, request) => (request % 3 === 0 ? { ...answer, status: 410 } : null)
    expect(await read(config)).toMatchObject({ verdict: 'partial', error: { class: 'partial' } })
  })

  it('a row that comes twice in place of another does not fill the count', async () => {
    server.bend = (answer, request) => {
      if (request % 5 !== 2) return null
      const { items, ...rest } = body(answer)
      return { ...answer, body: { ...rest, items: [server.rows[0]!, ...items.slice(1)] } }
    }
    expect((await read(config)).verdict).toBe('partial')
    expect(server.fired).toBeGreaterThan(0)
  })
})

describe('by key', () => {
  it('a source that does not sort, or ignores the key, is found out', async () => {
    server.rows = [...server.rows].reverse()
    expect((await pagesOf(streamOf(server, { by: 'key', order: 'text' }, 5))).error).toMatchObject({ class: 'partial', message: expect.stringContaining('order') as string })
    server.rows = rowsOf(23)
    server.bend = (answer) => ({ ...answer, body: { ...body(answer), items: server.rows.slice(0, 5) } })
    expect((await pagesOf(streamOf(server, { by: 'key' }, 5))).error).toMatchObject({ class: 'partial' })
  })

  it('goes on behind a key', async () => {
    expect((await pagesOf(streamOf(server, { by: 'key' }, 5), 'u0019')).ids).toEqual(['u0020', 'u0021', 'u0022'])
  })
})

describe('once', () => {
  it('one answer is a proof only where the application is known never to cut it', async () => {
    expect(await read({ by: 'once', whole: false })).toMatchObject({ verdict: 'unknown', ids: all })
  })
})
