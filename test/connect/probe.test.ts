import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Profile, type StreamProfile, probe } from '../../src/connect/probe.ts'
import { keepProfile, keptProfile } from '../../src/connect/profiles.ts'
import { rowsOfFirstPage } from '../../src/connect/paging/endpoint.ts'
import { Paging, strategyOf } from '../../src/connect/paging/config.ts'
import type { ConnectorSession, Mapped, Platform } from '../../src/ports/connector.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type PagedServer, rowsOf, startPagedServer } from '../support/paged-server.ts'
import { testPlatform } from '../support/test-platform.ts'
import { endpointOf, idOf, streamOf } from './paging/walking.ts'

let server: PagedServer
beforeEach(async () => {
  server = await startPagedServer(23)
})
afterEach(() => server.stop())

type By = Parameters<typeof streamOf>[1]

function open(config: By, readOne?: ConnectorSession['readOne']): (platform: Platform) => Promise<ConnectorSession> {
  return async (platform) => {
    await platform.http.request({ method: 'GET', url: `${server.origin}/users?limit=1` })
    const paging = Paging.parse(config)
    const stream = streamOf(server, config, 5)
    const sized = (rows: number) => rowsOfFirstPage(strategyOf(paging, idOf), endpointOf(server, paging, rows))
    return { streams: [{ ...stream, sized }], ...(readOne !== undefined && { readOne }), close: () => Promise.resolve() }
  }
}

async function measured(config: By, readOne?: ConnectorSession['readOne']): Promise<{ profile: Profile; users: StreamProfile }> {
  const profile = await probe(open(config, readOne), testPlatform(), systemClock, () => undefined)
  return { profile, users: profile.streams[0]! }
}

const account = (id: string): Mapped[] => [{ piece: 'account', id, valid: null, attributes: { kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {} } }]

describe('an honest application', () => {
  it('is measured as such', async () => {
    server.maxPage = 10
    const { profile, users } = await measured({ by: 'cursor' }, (id) => Promise.resolve(id === 'u0000' ? account(id) : null))
    expect(users).toMatchObject({ rows: 23, ended: true, verdict: 'complete', total: 23, totalHonest: true, stable: true, repeats: null, resumes: true, unmapped: 0, error: null })
    expect(users.sizes).toEqual([{ asked: 1, came: 1 }, { asked: 100, came: 10 }])
    expect(profile).toMatchObject({ finds: true, saysAbsent: true, tellsChanges: false, rateHeaders: [] })
  })
})

describe('what an application pretends', () => {
  it('a cursor that is ignored', async () => {
    server.bend = (answer, _request, url) => (url.searchParams.has('cursor') ? { ...answer, body: { items: server.rows.slice(0, 5), total: 23, next: 'u0004' } } : null)
    const { profile, users } = await measured({ by: 'cursor' })
    expect(users.error).toMatch(/^partial/)
    expect(profile.advice.join()).toContain('users')
    expect(server.fired).toBeGreaterThan(0)
  })

  it('a page that is ignored', async () => {
    server.bend = (answer) => (typeof answer.body === 'string' ? null : { ...answer, body: { items: server.rows.slice(0, 5), total: 5 } })
    const { profile, users } = await measured({ by: 'page', count: null, recheck: false })
    expect(users).toMatchObject({ pages: 2, repeats: 'users page 2 (page=2)', resumes: false, ended: false })
    expect(profile.advice[0]).toMatch(/^users: the list ignores which page is asked for: users page 2 \(page=2\) gave the rows of an earlier one; set its paging/)
  })

  it('a total that lies', async () => {
    server.bend = (answer) => (typeof answer.body === 'string' ? null : { ...answer, body: { ...answer.body, total: 20 } })
    expect((await measured({ by: 'offset' })).users).toMatchObject({ total: 20, totalHonest: false })
  })

  it('an order that changes', async () => {
    // the walk and the page sizes take nine requests; what comes later is the second look
    server.before = (request) => {
      server.rows = request > 9 ? rowsOf(23).reverse() : rowsOf(23)
    }
    const { profile, users } = await measured({ by: 'page', count: 'limit', recheck: false })
    expect(users.stable).toBe(false)
    expect(profile.advice.join()).toContain('another order')
  })

  it('rate headers, and a limit', async () => {
    server.bend = (answer) => ({ ...answer, headers: { ...answer.headers, 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '50' } })
    expect((await measured({ by: 'offset' })).profile).toMatchObject({ rateHeaders: ['x-ratelimit-limit', 'x-ratelimit-remaining'], limit: 100 })
  })

  it('single reads that find everybody, or nobody', async () => {
    expect((await measured({ by: 'offset' }, (id) => Promise.resolve(account(id)))).profile).toMatchObject({ finds: true, saysAbsent: false })
    expect((await measured({ by: 'offset' }, () => Promise.resolve(null))).profile).toMatchObject({ finds: false, saysAbsent: true })
  })
})

describe('the profile', () => {
  it('is kept, and one of another version or a damaged one is no profile', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'grantline-profile-'))
    try {
      const { profile } = await measured({ by: 'offset' })
      expect(await keptProfile(dir, profile.app)).toBeNull()
      const file = await keepProfile(dir, profile)
      expect(await keptProfile(dir, profile.app)).toEqual(profile)
      writeFileSync(file, JSON.stringify({ ...profile, version: 2 }))
      expect(await keptProfile(dir, profile.app)).toBeNull()
      writeFileSync(file, '{')
      expect(await keptProfile(dir, profile.app)).toBeNull()
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
