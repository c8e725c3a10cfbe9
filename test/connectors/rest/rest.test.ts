import { afterEach, describe, expect, it } from 'vitest'
import { RestConfig } from '../../../connectors/rest/config.ts'
import { connector } from '../../../connectors/rest/connector.ts'
import type { RunResult } from '../../../src/connect/run-result.ts'
import { createPlatform } from '../../../src/connect/platform.ts'
import type { ConnectorSession } from '../../../src/ports/connector.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Lab } from '../../connect/lab.ts'
import { startApi, type Answers, type ApiServer } from './api-server.ts'

const env = { API_TOKEN: 'a-token-of-the-test', CLIENT_SECRET: 'a-client-secret' }
const accounts = { piece: 'account', id: 'row.id' }

let server: ApiServer | null = null
const labs: Lab[] = []
afterEach(async () => {
  await server?.stop()
  server = null
  for (const lab of labs.splice(0)) lab.dispose()
})

async function open(settings: object, answers: Answers): Promise<ConnectorSession> {
  server ??= await startApi(answers)
  const config = RestConfig.parse(JSON.parse(JSON.stringify({ baseUrl: server.url, ...settings }).replaceAll('http://here', server.url)))
  return await connector.open(config, createPlatform({ app: 'app', config, clock: systemClock, signal: new AbortController().signal, env, baseDir: '.' }))
}

async function run(settings: object, answers: Answers): Promise<{ result: RunResult; lab: Lab }> {
  const lab = new Lab(1)
  labs.push(lab)
  return { lab, result: await lab.snapshot(() => open(settings, answers)) }
}

const ids = async (lab: Lab): Promise<string[]> => (await lab.of('raw', 'Account')).map(({ id }) => id)
const slice = (rows: readonly unknown[], query: URLSearchParams, size = 2): unknown[] => {
  const start = Number(query.get('offset') ?? '0')
  return rows.slice(start, start + size)
}
const people = Array.from({ length: 5 }, (_, at) => ({ id: `u${at}` }))

describe('lists', () => {
  const byOffset = { paging: { by: 'offset' }, streams: [{ name: 'users', path: '/users', rows: 'body.items', total: 'body.total', map: [accounts] }] }

  it('are walked to an empty page and proven by the total', async () => {
    const { result, lab } = await run(byOffset, ({ query }) => ({ body: { items: slice(people, query), total: 5 } }))
    expect(result).toMatchObject({ verdict: 'complete', error: null })
    expect(await ids(lab)).toEqual(people.map(({ id }) => id))
  })

  it('by cursor end only where the application says so', async () => {
    const settings = { paging: { by: 'cursor' }, streams: [{ name: 'users', path: '/users', rows: 'body.items', next: 'body.?next.orValue(dyn(null))', map: [accounts] }] }
    const { result, lab } = await run(settings, ({ query }) => {
      const at = Number(query.get('cursor') ?? '0')
      return { body: { items: people.slice(at, at + 2), ...(at + 2 < 5 && { next: String(at + 2) }) } }
    })
    expect(result.verdict).toBe('complete')
    expect(await ids(lab)).toHaveLength(5)
  })

  it('by link stay with the application, whatever it says', async () => {
    const settings = { paging: { by: 'link' }, streams: [{ name: 'users', path: '/users', map: [accounts] }] }
    const { result } = await run(settings, () => ({ body: people, headers: { link: '<https://elsewhere.example/users?page=2>; rel="next"' } }))
    expect(result).toMatchObject({ verdict: 'partial', error: { class: 'schema' } })
    expect(result.reason).toContain('another host')
  })

  it('whose answer holds an error under a good status, is cut, or has another shape, are partial and name the place', async () => {
    const list = { ...byOffset, streams: [{ ...byOffset.streams[0]!, error: 'has(body.error)' }] }
    for (const [answer, reason] of [
      [{ body: { error: 'index is rebuilt', items: [], total: 0 } }, 'answered 200 with an error inside'],
      [{ raw: '{"items": [{"id": "u0"' }, 'not whole JSON'],
      [{ body: { entries: [], total: 0 } }, 'another shape: body.items: a field is missing'],
      [{ status: 404, body: {} }, 'answered 404'],
    ] as const) {
      const { result } = await run(list, () => answer)
      expect(result).toMatchObject({ verdict: 'partial', place: expect.stringContaining('users page 1') as string })
      expect(result.reason).toContain(reason)
      await server?.stop()
      server = null
    }
  })

  it('are read in the charset that the answer names, and are partial where it is not UTF-8 and names none', async () => {
    const settings = { streams: [{ name: 'users', path: '/users', map: [accounts], paging: { by: 'once', whole: true } }] }
    const raw = Buffer.from('[{"id": "müller"}, {"id": "ann"}]', 'latin1')
    const named = await run(settings, () => ({ raw, headers: { 'content-type': 'application/json; charset=iso-8859-1' } }))
    expect([named.result.verdict, (await ids(named.lab)).sort()]).toEqual(['complete', ['ann', 'müller']])
    await server?.stop()
    server = null
    const silent = await run(settings, () => ({ raw }))
    expect(silent.result).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('the answer is not UTF-8 at byte 11') as string })
    expect(await ids(silent.lab)).toEqual([])
  })

  it('keep ids that a double can not hold', async () => {
    const settings = { streams: [{ name: 'users', path: '/users', map: [accounts], paging: { by: 'once', whole: true } }] }
    const { lab } = await run(settings, () => ({ raw: '[{"id": 90071992547409931}, {"id": 90071992547409932}, {"id": 7}]' }))
    expect((await ids(lab)).sort()).toEqual(['7', '90071992547409931', '90071992547409932'])
  })

  it('reject a row that can not be mapped, naming field and expression, and the rest goes on', async () => {
    const settings = { paging: { by: 'once', whole: true }, streams: [{ name: 'users', path: '/users', map: [{ ...accounts, created: 'row.created', status: 'row.state' }] }] }
    const row = (id: string, created: unknown, state: unknown = 'active') => ({ id, created, state })
    const { result, lab } = await run(settings, () => ({ body: [row('a', '2020-01-01'), row('b', 1577836800), row('c', '2020-01-01', 'odd'), { id: 'd', state: 'active' }] }))
    expect(result.classes[0]).toMatchObject({ verdict: 'complete', rejected: 3 })
    expect((await lab.of('raw', 'Seen')).map(({ id }) => id)).toEqual(['b', 'c', 'd'])
    const reasons = (await lab.all('dead-letters')).map(({ reason }) => reason)
    expect(reasons.sort()).toEqual([
      'account.created (row.created): a field is missing',
      'account.created (row.created): a number may be seconds or milliseconds: say seconds(…) or millis(…)',
      'account.status (row.state): expected one of active, disabled, true or false',
    ])
  })
})

describe('lists of each parent', () => {
  const settings = {
    paging: { by: 'offset' },
    streams: [
      { name: 'groups', path: '/groups', rows: 'body.items', total: 'body.total', map: [{ piece: 'definition', id: 'row.id' }] },
      { name: 'users', path: '/users', rows: 'body.items', total: 'body.total', map: [accounts] },
      {
        name: 'members', path: '/groups/${parent}/members', rows: 'body.items', total: 'body.total', id: 'row.user',
        each: { of: 'groups', key: 'row.id' }, map: [{ piece: 'membership', account: 'row.user', id: 'parent' }],
      },
    ],
  }
  const groups = [{ id: 'a b' }, { id: 'empty' }, { id: 'staff/it' }]
  const members: Record<string, string[]> = { 'a b': ['u0', 'u1', 'u2'], empty: [], 'staff/it': ['u0', 'u1', 'u2'] }
  const answers = (patch: (path: string) => ReturnType<Answers> | null = () => null): Answers => ({ path, query }) => {
    const patched = patch(path)
    if (patched !== null) return patched
    if (path === '/groups') return { body: { items: slice(groups, query), total: 3 } }
    if (path === '/users') return { body: { items: slice(people, query), total: 5 } }
    const of = members[decodeURIComponent(path.split('/')[2]!)]!.map((user) => ({ user }))
    return { body: { items: slice(of, query), total: of.length } }
  }

  it('are read one after another, and each is proven by its own total', async () => {
    const { result, lab } = await run(settings, answers())
    expect(result).toMatchObject({ verdict: 'complete', error: null })
    const u0 = (await lab.of('raw', 'Account')).find(({ id }) => id === 'u0')
    expect(u0?.memberships).toMatchObject({ whole: true, added: [{ ref: { kind: 'group', id: 'a b' } }, { ref: { kind: 'group', id: 'staff/it' } }] })
  })

  it('of which one can not be read whole leave the memberships partial, naming it, and the accounts complete', async () => {
    for (const [patch, reason] of [
      [{ status: 404, body: {} }, 'answered 404'],
      [{ body: { items: [], total: 3 } }, 'counts 3 rows'],
    ] as const) {
      const { result, lab } = await run(settings, answers((path) => (path.includes('staff') ? patch : null)))
      const verdicts = Object.fromEntries(result.classes.map((manifest) => [manifest.class, manifest.verdict]))
      expect(verdicts).toEqual({ definitions: 'complete', accounts: 'complete', memberships: 'partial' })
      expect(result.reason).toContain('members of staff/it')
      expect(result.reason).toContain(reason)
      const u0 = (await lab.of('raw', 'Account')).find(({ id }) => id === 'u0')
      expect(u0?.memberships).toMatchObject({ whole: false, added: [{ ref: { id: 'a b' } }] })
      await server?.stop()
      server = null
    }
  })

  it('of a parent whose id no path can hold are a loss that names it, and nothing else is asked instead', async () => {
    const odd = [{ id: '..' }, ...groups]
    const { result } = await run(settings, (asked) => (asked.path === '/groups' ? { body: { items: slice(odd, asked.query), total: odd.length } } : answers()(asked)))
    expect(result.classes.find((manifest) => manifest.class === 'memberships')).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('members of ..') as string })
    expect(server!.asked.map(({ path }) => path)).not.toContain('/members')
  })

  /** The process ends when `at` is asked for, and the next one goes on. */
  async function goneOn(at: Pick<RegExp, 'test'>, second: (path: string) => ReturnType<Answers> | null = () => null) {
    const lab = new Lab(1)
    labs.push(lab)
    const controller = new AbortController()
    let stopped = false
    const serve = answers((path) => {
      if (!stopped && at.test(path)) {
        stopped = true
        controller.abort(new Error('stopping'))
      }
      return second(path)
    })
    await expect(lab.snapshot(() => open(settings, serve), { signal: controller.signal })).rejects.toThrow('stopping')
    const before = server!.asked.length
    const result = await lab.snapshot(() => open(settings, serve))
    return { lab, result, asked: server!.asked.slice(before).map(({ path }) => decodeURIComponent(path)) }
  }

  it('go on behind the last one that was read, in a process that has to ask for the parents again', async () => {
    const { lab, result, asked } = await goneOn(/staff/)
    expect(result).toMatchObject({ run: 1, verdict: 'complete', error: null })
    expect([...new Set(asked)]).toEqual(['/groups', '/groups/staff/it/members'])
    const u0 = (await lab.of('raw', 'Account')).find(({ id }) => id === 'u0')
    expect(u0?.memberships).toMatchObject({ whole: true, added: [{ ref: { kind: 'group', id: 'a b' } }, { ref: { kind: 'group', id: 'staff/it' } }] })
  })

  it('whose parents were half read go on too, and all of them are asked for', async () => {
    let lists = 0
    const { result, asked } = await goneOn({ test: (path) => path === '/groups' && ++lists === 2 })
    expect(result).toMatchObject({ run: 1, verdict: 'complete', error: null })
    // the rest of the interrupted list, then all of it for its keys
    expect(asked.filter((path) => path === '/groups').length).toBeGreaterThan(3)
    expect(asked.filter((path) => path.includes('members')).map((path) => path.split('/')[2])).toEqual(expect.arrayContaining(['a b', 'empty', 'staff']))
  })

  it('remember the loss of one that an earlier process met', async () => {
    const { result } = await goneOn(/staff/, (path) => (path.includes('a%20b') ? { status: 404, body: {} } : null))
    expect(result.classes.find((manifest) => manifest.class === 'memberships')).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('members of a b') as string })
  })

  it('are not believed where the list of parents has lost one', async () => {
    const { result } = await run(settings, answers((path) => (path === '/groups' ? { body: { items: [], total: 3 } } : null)))
    expect(result.classes.find((manifest) => manifest.class === 'memberships')).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('parents are not all known') as string })
  })
})

it('a single account whose id no path can hold is not read, and never taken for gone', async () => {
  const settings = { streams: [{ name: 'users', path: '/users', map: [accounts] }], one: [{ path: '/users/${id}', like: 'users', paging: { by: 'once', whole: true } }] }
  const session = await open(settings, ({ path }) => (path === '/users' ? { body: people } : { status: 404 }))
  for (const id of ['..', '.', '']) await expect(session.readOne!(id)).rejects.toMatchObject({ class: 'schema', message: expect.stringContaining(`"${id}"`) as string })
  expect(server!.asked).toEqual([])
})

describe('lists that ignore which page is asked for', () => {
  const login = { piece: 'account', id: 'row.login' }
  const paged = { rows: 'body.data', total: 'body.count' }
  const streams = (members: object = {}): object[] => [
    { name: 'teams', path: '/teams', ...paged, map: [{ piece: 'definition', id: 'row.id' }] },
    { name: 'members', path: '/members', ...paged, map: [login] },
    { name: 'members of teams', path: '/teams/${parent}/members', ...paged, each: { of: 'teams', key: 'row.id' }, map: [{ piece: 'membership', account: 'row.login', id: 'parent' }], ...members },
  ]
  const settings = (members?: object): object => ({ paging: { by: 'page', count: null }, streams: streams(members) })
  const ann = { login: 'ann' }
  const answers: Answers = ({ path, query }) => {
    const page = (rows: object[]) => ({ body: { data: query.get('page') === '1' ? rows : [], count: rows.length } })
    if (path === '/teams') return page([{ id: 'ops' }, { id: 'sales' }])
    if (path === '/members') return page([ann])
    if (path === '/members/nobody') return { status: 404, body: {} }
    return path.startsWith('/members/') ? { body: ann } : { body: { data: [ann], count: 1 } }
  }
  const verdicts = (result: RunResult) => Object.fromEntries(result.classes.map((manifest) => [manifest.class, manifest.verdict]))

  it('and whose rows have no id end, partial, with the place and what to set', async () => {
    const { result } = await run(settings(), answers)
    expect(verdicts(result)).toEqual({ definitions: 'complete', accounts: 'complete', memberships: 'partial' })
    expect(result).toMatchObject({ place: 'members of teams of ops page 2 (page=2)', reason: expect.stringContaining('the list ignores page or repeats itself; set its paging') as string })
    expect(server?.asked.filter(({ path }) => path === '/teams/ops/members')).toHaveLength(6)
  })

  it('are read whole where they are said to come at once', async () => {
    const { result } = await run(settings({ paging: { by: 'once', whole: true } }), answers)
    expect(verdicts(result)).toEqual({ definitions: 'complete', accounts: 'complete', memberships: 'complete' })
    expect(server?.asked.filter(({ path }) => path === '/teams/ops/members')).toHaveLength(1)
  })

  it('end where they tell changes, too', async () => {
    const changes = { path: '/changes', rows: 'body.data', accounts: 'row.login', cursor: 'string(body.count)' }
    const { changes: told } = await open({ ...settings(), one: [{ path: '/members/${id}', like: 'members' }], changes }, answers)
    await expect(told!('1')).rejects.toMatchObject({ class: 'partial', place: 'changes page 2 (page=2)' })
  })

  describe('in a single read', () => {
    const single = async (one: object, serve: Answers = answers) => (await open({ ...settings(), one: [one] }, serve)).readOne!

    it('of one object: it is asked for once, without a page', async () => {
      const readOne = await single({ path: '/members/${id}', like: 'members' })
      expect(await readOne('ann')).toMatchObject([{ piece: 'account', id: 'ann' }])
      expect(server?.asked.map(({ path, query }) => [path, query.toString()])).toEqual([['/members/ann', '']])
      expect(await readOne('nobody')).toBeNull()
    })

    it('of a list: it is paged as the application’s lists are, and named by what it is like', async () => {
      const rows = Array.from({ length: 5 }, (_, at) => ({ login: `u${at}` }))
      const readOne = await single({ path: '/held/${id}', like: 'members', ...paged }, ({ query }) => {
        const from = (Number(query.get('page')) - 1) * 2
        return { body: { data: rows.slice(from, from + 2), count: 5 } }
      })
      expect(await readOne('ann')).toHaveLength(5)
      // each page again after the next one: its rows have ids
      expect(server?.asked.map(({ query }) => query.get('page')).join('')).toBe('1213243')
    })

    it('of a list that ignores the page: it ends and says why', async () => {
      const readOne = await single({ path: '/held/${id}', like: 'members', ...paged })
      await expect(readOne('ann')).rejects.toMatchObject({ class: 'partial', message: expect.stringContaining('ignores page') as string })
    })
  })
})

describe('who asks', () => {
  const users = { streams: [{ name: 'users', path: '/users', map: [accounts], paging: { by: 'once', whole: true } }] }
  const oauth2 = { kind: 'oauth2', tokenUrl: 'http://here/token', clientId: 'grantline', clientSecret: 'env:CLIENT_SECRET', scope: 'read' }

  it.each([
    [{ kind: 'header', name: 'X-Key', secret: 'env:API_TOKEN' }, 'x-key', env.API_TOKEN],
    [{ kind: 'bearer', token: 'env:API_TOKEN' }, 'authorization', `Bearer ${env.API_TOKEN}`],
    [{ kind: 'basic', user: 'me', password: 'env:API_TOKEN' }, 'authorization', `Basic ${Buffer.from(`me:${env.API_TOKEN}`).toString('base64')}`],
  ])('%j', async (auth, header, value) => {
    await run({ ...users, auth }, () => ({ body: people }))
    expect(server?.asked[0]?.headers[header]).toBe(value)
  })

  it('fetches a token, and a new one where the application refuses it', async () => {
    let tokens = 0
    const { result } = await run({ ...users, auth: oauth2 }, ({ path, headers }) => {
      if (path === '/token') return { body: { access_token: `t${++tokens}`, expires_in: 3600 } }
      return headers.authorization === 'Bearer t2' ? { body: people } : { status: 401 }
    })
    expect(result.verdict).toBe('complete')
    expect(server?.asked.map(({ path }) => path)).toEqual(['/token', '/users', '/token', '/users'])
    expect(server?.asked[0]).toMatchObject({ body: 'grant_type=client_credentials&scope=read', headers: { authorization: `Basic ${Buffer.from('grantline:a-client-secret').toString('base64')}` } })
  })

  it('does not ask for tokens without end', async () => {
    const { result } = await run({ ...users, auth: oauth2 }, ({ path }) => (path === '/token' ? { body: { access_token: 't' } } : { status: 401 }))
    expect(result).toMatchObject({ verdict: 'partial', error: { class: 'authentication' } })
    expect(server?.asked.map(({ path }) => path)).toEqual(['/token', '/users', '/token', '/users'])
  })
})

describe('settings', () => {
  const users = { name: 'users', path: '/users', map: [accounts] }
  const problem = (settings: object): string => {
    const result = RestConfig.safeParse({ baseUrl: 'https://app.example', streams: [users], ...settings })
    return result.success ? '' : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  }

  it('are refused where an expression is none, or speaks of what is not there', () => {
    expect(problem({ streams: [{ ...users, rows: 'body..items' }] })).toContain('streams.0.rows: no valid expression: Expected IDENTIFIER')
    expect(problem({ streams: [{ ...users, map: [{ ...accounts, display: 'user.name' }] }] })).toContain('Unknown variable: user')
    expect(problem({ streams: [{ ...users, path: '/users/${id}' }] })).toContain('streams.0.path: no valid expression: Unknown variable: id')
  })

  it('are refused where a stream is named that is not there', () => {
    expect(problem({ streams: [{ ...users, each: { of: 'groups', key: 'row.id' } }] })).toContain('no earlier stream has this name')
    expect(problem({ one: [{ path: '/users/${id}', like: 'people' }] })).toContain('no stream has this name')
    expect(problem({ changes: { path: '/changes', accounts: 'row', cursor: 'body.next' } })).toContain('changes are read singly')
  })

  it('take no secret as its value', () => {
    expect(problem({ auth: { kind: 'bearer', token: 'hunter2' } })).toContain('a secret is a reference')
  })
})
