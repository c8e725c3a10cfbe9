import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cursorPage, errorBody, indexPage, people, startHostileServer, type Answer, type HostileServer } from './hostile-server.ts'
import { containing, named } from '../../support/reading.ts'
import { testPlatform } from '../../support/test-platform.ts'
import { breaks, openScim, readStream, type StreamRead } from './reading.ts'

let server: HostileServer
beforeAll(async () => {
  server = await startHostileServer()
})
afterAll(() => server.stop())

/** `users` answers for /Users; /Groups is empty and honest unless given. */
function serve(users: (url: URL) => Answer, groups: (url: URL) => Answer = (url) => indexPage([], url)): void {
  server.handler = (url) => (url.pathname.startsWith('/scim/Users') ? users(url) : groups(url))
}
async function readUsers(patch: object): Promise<StreamRead> {
  const session = await openScim(server.baseUrl, { pageSize: 2, ...patch })
  return readStream(named(session, 'users'))
}
const six = people(6)

describe('a cursor that is ignored (200, the first page, no next one)', () => {
  const ignoring = (url: URL): Answer => indexPage(six, url)

  test('is measured, and all is read by index', async () => {
    serve(ignoring)
    const read = await readUsers({ paging: 'auto' })
    expect(read.error).toBeNull()
    expect(read.ids).toHaveLength(6)
    const session = await openScim(server.baseUrl, { paging: 'auto' })
    expect(named(session, 'users').proof).toBe('total')
  })

  test('is a loss where cursors are demanded', async () => {
    serve(ignoring)
    const read = await readUsers({ paging: 'cursor' })
    expect(read.ids).toHaveLength(2)
    expect(read.error).toMatchObject({ class: 'partial', place: 'Users page 1 (by cursor)', message: containing('2 of 6') })
  })
})

describe('cursors that lie', () => {
  test('a next cursor that gives the first page again is measured', async () => {
    serve((url) => (url.searchParams.has('cursor') ? cursorPage(six, new URL('http://x/?cursor=0&count=1'), { nextCursor: 'more' }) : indexPage(six, url)))
    const read = await readUsers({ paging: 'auto' })
    expect(read).toMatchObject({ error: null, ids: ['u0', 'u1', 'u2', 'u3', 'u4', 'u5'] })
    expect((await readUsers({ paging: 'cursor' })).error).toMatchObject({ class: 'partial', message: containing('same rows') })
  })

  test('a chain that pretends to end in the middle', async () => {
    serve((url) => cursorPage(six, url, url.searchParams.get('cursor') === '2' ? { nextCursor: undefined } : {}))
    const read = await readUsers({ paging: 'auto' })
    expect(read.ids).toEqual(['u0', 'u1', 'u2', 'u3'])
    expect(read.error).toMatchObject({ class: 'partial', place: 'Users page 2 (by cursor)', message: containing('4 of 6') })
  })

  test('a chain without totals is believed when it ends; pages may be empty on the way', async () => {
    serve((url) => {
      const at = url.searchParams.get('cursor')
      if (at === '2') return { body: { Resources: [], nextCursor: 'skip' } }
      return cursorPage(six, at === 'skip' ? new URL('http://x/?cursor=2&count=4') : url, { totalResults: undefined })
    })
    expect(await readUsers({ paging: 'cursor' })).toMatchObject({ error: null, ids: ['u0', 'u1', 'u2', 'u3', 'u4', 'u5'] })
  })

  test('a chain that never ends', async () => {
    let n = 0
    serve(() => ({ body: { totalResults: 6, Resources: [], nextCursor: `c${n++}` } }))
    expect((await readUsers({ paging: 'cursor' })).error).toMatchObject({ class: 'partial', message: containing('end') })
    expect(n).toBeLessThan(200)
  })

  test('a server that refuses the cursor parameter is read by index; one that refuses us is not', async () => {
    serve((url) => (url.searchParams.has('cursor') ? { status: 400, body: errorBody(400, { scimType: 'invalidValue' }) } : indexPage(six, url)))
    expect((await readUsers({ paging: 'auto' })).ids).toHaveLength(6)
    serve(() => ({ status: 403, body: errorBody(403, { detail: 'not yours' }) }))
    await expect(openScim(server.baseUrl)).rejects.toMatchObject({ class: 'permission', message: containing('not yours') })
  })
})

describe('index paging that lies', () => {
  test('every page is the first page', async () => {
    serve((url) => indexPage(six, new URL(`http://x/?count=${url.searchParams.get('count')}`)))
    const read = await readUsers({ paging: 'index' })
    expect(read.ids).toEqual(['u0', 'u1', 'u0', 'u1'])
    expect(breaks(read.pages)).toEqual(['Users page 2 (startIndex=2)'])
  })

  test('totals that shrink, grow or fall short reach the ledger as they are', async () => {
    const totals = [6, 5, 9]
    serve((url) => indexPage(six, url, { totalResults: totals.shift() ?? 4 }))
    const read = await readUsers({ paging: 'index', changes: 'off' })
    expect(read.ids).toHaveLength(6)
    expect(read.pages.map((page) => page.total)).toEqual([6, 5, 9, 4, 4, 4])
  })

  test('no totals at all are null, not zero', async () => {
    serve((url) => indexPage(six, url, { totalResults: undefined }))
    const read = await readUsers({ paging: 'index' })
    expect(read.ids).toHaveLength(6)
    expect(new Set(read.pages.map((page) => page.total))).toEqual(new Set([null]))
  })

  test('rows dropped from a page show: the next one does not join', async () => {
    serve((url) => {
      const answer = indexPage(six, url) as { body: { Resources: { id: string }[] } }
      return { body: { ...answer.body, Resources: answer.body.Resources.filter((row) => row.id !== 'u3') } }
    })
    const read = await readUsers({ paging: 'index', pageSize: 3 })
    expect(read.ids).not.toContain('u3')
    expect(breaks(read.pages)).toEqual(['Users page 4 (startIndex=5)'])
  })

  test('an empty page before the end, and one that the server gives one row at a time', async () => {
    serve((url) => (Number(url.searchParams.get('startIndex')) > 3 ? indexPage(six, url, { Resources: [] }) : indexPage(six, url)))
    const read = await readUsers({ paging: 'index' })
    expect(read.error).toMatchObject({ class: 'partial', place: 'Users page 4 (startIndex=4)', message: containing('6 rows') })
    serve((url) => indexPage(six, new URL(`http://x/?count=1&startIndex=${url.searchParams.get('startIndex')}`)))
    const slow = await readUsers({ paging: 'index' })
    expect(slow).toMatchObject({ error: null, ids: ['u0', 'u1', 'u2', 'u3', 'u4', 'u5'] })
    expect([breaks(slow.pages), slow.pages.slice(0, -1).filter((page) => page.rows.length === 0)]).toEqual([[], []])
  })

  test('Resources left out on the last, empty page', async () => {
    serve((url) => (Number(url.searchParams.get('startIndex')) > 6 ? { body: { totalResults: 6 } } : indexPage(six, url)))
    expect(await readUsers({ paging: 'index' })).toMatchObject({ error: null, ids: ['u0', 'u1', 'u2', 'u3', 'u4', 'u5'] })
  })

  test('an unstable order', async () => {
    let turn = 0
    serve((url) => indexPage(turn++ % 2 === 0 ? six : [...six].reverse(), url))
    expect(breaks((await readUsers({ paging: 'index', pageSize: 3 })).pages)).not.toEqual([])
  })
})

describe('answers that are no answers', () => {
  const onPageTwo = (answer: Answer) => serve((url) => (url.searchParams.get('startIndex') === '1' ? indexPage(six, url) : answer))
  const place = 'Users page 2 (startIndex=2)'

  test.each<[string, Answer, string]>([
    ['200 with an error inside', { body: errorBody(503, { detail: 'try later' }) }, 'transient'],
    ['200 with a refusal inside', { body: errorBody(401) }, 'authentication'],
    ['truncated JSON', { raw: '{"totalResults": 6, "Resources": [{"id": "u' }, 'transient'],
    ['a body shorter than declared', { raw: '{"totalResults": 6, "Resources": []}', declaredBytes: 500 }, 'transient'],
    ['a cut connection', 'hang up', 'transient'],
    ['an HTML page', { raw: '<html>maintenance</html>' }, 'transient'],
    ['JSON that is no list', { body: { hello: 'there' } }, 'schema'],
    ['Resources that are no list', { body: { totalResults: 6, Resources: 'none' } }, 'schema'],
    ['too many requests', { status: 429, body: errorBody(429) }, 'throttled'],
    ['a server error without SCIM', { status: 502, body: 'bad gateway' }, 'transient'],
    ['a redirect', { status: 302, body: {} }, 'configuration'],
  ])('%s', async (_, answer, errorClass) => {
    onPageTwo(answer)
    const read = await readUsers({ paging: 'index' })
    expect(read.ids).toEqual(['u0', 'u1'])
    expect(read.error?.class).toBe(errorClass)
    if (answer !== 'hang up' && !('declaredBytes' in answer)) expect(read.error?.place).toBe(place)
  })
})

describe('groups both ways', () => {
  const groups = [{ id: 'g0', displayName: 'Zero', members: [{ value: 'u0', type: 'User' }, { value: 'g1', $ref: 'https://x/scim/Groups/g1' }] },
    { id: 'g1', displayName: 'One', members: [{ value: 'u1' }] }]
  const agreeing = people(2, (n) => ({ groups: [{ value: `g${n}`, type: 'direct' }, ...(n === 1 ? [{ value: 'g0', type: 'indirect' }] : [])] }))
  async function compare(users: object[]) {
    serve((url) => indexPage(users, url), (url) => indexPage(groups, url))
    const session = await openScim(server.baseUrl, { groups: 'both' })
    const read: Record<string, StreamRead> = {}
    for (const stream of session.streams) read[stream.name] = await readStream(stream)
    return read
  }

  test('agree', async () => {
    const read = await compare(agreeing)
    expect(Object.values(read).map((one) => one.error)).toEqual([null, null, null])
    expect(read['membership comparison']?.pages).toEqual([{ rows: [], place: containing('members'), total: 0, start: 0 }])
    expect(read['groups']?.pieces.filter((p) => p.piece === 'membership')).toEqual([
      { piece: 'membership', account: 'u0', ref: { kind: 'group', id: 'g0' }, valid: null },
      { piece: 'membership', account: 'u1', ref: { kind: 'group', id: 'g1' }, valid: null },
    ])
  })

  test('whoever is in the inner group holds the outer one', async () => {
    const pieces = (await compare(agreeing))['groups']?.pieces
    expect(pieces).toContainEqual({ piece: 'child', parent: { kind: 'group', id: 'g1' }, child: { kind: 'group', id: 'g0' } })
    expect(pieces).not.toContainEqual({ piece: 'child', parent: { kind: 'group', id: 'g0' }, child: { kind: 'group', id: 'g1' } })
  })

  test('a membership that only the user lists is added, and the memberships are partial', async () => {
    const read = await compare([{ id: 'u0', groups: [{ value: 'g0' }, { value: 'g1' }] }, { id: 'u1', groups: [{ value: 'g1' }] }])
    expect(read['users']?.error).toBeNull()
    expect(read['membership comparison']).toMatchObject({
      pieces: [{ piece: 'membership', account: 'u0', ref: { kind: 'group', id: 'g1' } }], error: { class: 'partial', place: 'user u0' },
    })
  })

  test('read twice, it counts the last read alone', async () => {
    await compare(agreeing)
    const session = await openScim(server.baseUrl, { groups: 'both' })
    for (const stream of [...session.streams, ...session.streams]) expect((await readStream(stream)).error).toBeNull()
    const again = await readStream(named(session, 'users'))
    expect(again.error).toBeNull()
    expect((await readStream(named(session, 'membership comparison'))).error).toBeNull()
  })

  test('users that were not read to their end are not compared', async () => {
    serve((url) => (url.searchParams.get('startIndex') === '1' ? indexPage(agreeing, url) : 'hang up'), (url) => indexPage(groups, url))
    const session = await openScim(server.baseUrl, { groups: 'both', paging: 'index', changes: 'off' })
    for (const stream of session.streams.slice(0, 2)) await readStream(stream)
    expect((await readStream(named(session, 'membership comparison'))).error).toMatchObject({ class: 'partial', message: containing('not read to their end') })
  })

  test.each([
    ['the user does not list the group', [{ id: 'u0', groups: [{ value: 'g0' }] }, { id: 'u1' }]],
    ['the member is no user', [{ id: 'u0', groups: [{ value: 'g0' }] }]],
  ])('%s', async (_, users) => {
    expect((await compare(users))['membership comparison']).toMatchObject({ pieces: [], error: { class: 'partial', place: 'group g1' } })
  })

  test('a user whose groups can’t be read', async () => {
    expect((await compare([agreeing[0]!, { id: 'u1', groups: 'many' }]))['membership comparison']?.error).toMatchObject({ class: 'partial', place: 'user u1' })
  })

  test('a group that can’t be mapped makes the memberships partial, since nobody knows whose are missing', async () => {
    serve((url) => indexPage([], url), (url) => indexPage([groups[0]!, { id: 'g1', members: 'many' }], url))
    const rows: unknown[] = []
    const read = async (): Promise<void> => {
      const session = await openScim(server.baseUrl, { paging: 'index' })
      for await (const page of named(session, 'groups').pages()) rows.push(...page.rows)
    }
    await expect(read()).rejects.toMatchObject({ class: 'partial', place: 'Groups page 1 (startIndex=1)', message: containing('g1') })
    expect(rows).toHaveLength(2)
  })

  test('users alone say it, indirect groups included, and members are not asked for', async () => {
    serve((url) => indexPage(agreeing, url), (url) => indexPage(groups, url))
    const platform = testPlatform()
    const session = await openScim(server.baseUrl, { groups: 'user-groups', paging: 'index' }, platform)
    const read = await readStream(named(session, 'users'))
    expect(read.pieces.filter((p) => p.piece === 'membership').map((p) => `${p.account} ${p.ref.id}`)).toEqual(['u0 g0', 'u1 g1', 'u1 g0'])
    expect((await readStream(named(session, 'groups'))).pieces.filter((p) => p.piece === 'membership')).toEqual([])
    expect(platform.requests.at(-1)?.url).toContain('excludedAttributes=members')
  })
})

describe('one user', () => {
  const missing: Answer = { status: 404, body: errorBody(404) }
  const one = async (id: string) => (await openScim(server.baseUrl, { paging: 'index' })).readOne?.(id)
  const byId = (url: URL, found: (id: string) => Answer) => (url.pathname === '/scim/Users' ? indexPage(six, url) : found(url.pathname.split('/').at(-1) ?? ''))

  test('absent beside a control', async () => {
    serve((url) => byId(url, (id) => (id === 'u9' ? missing : { body: { id } })))
    expect(await one('u9')).toBeNull()
  })

  test('not proven where the control is not found either, where the server lists nobody, or lists whom it denies', async () => {
    serve((url) => byId(url, () => missing))
    await expect(one('u9')).rejects.toMatchObject({ class: 'partial' })
    serve((url) => (url.pathname === '/scim/Users' ? indexPage([], url) : missing))
    await expect(one('u9')).rejects.toMatchObject({ class: 'partial' })
    serve((url) => (url.pathname === '/scim/Users' ? indexPage([{ id: 'u9' }], url) : missing))
    await expect(one('u9')).rejects.toMatchObject({ class: 'partial' })
  })

  test('another one than asked for is refused', async () => {
    serve((url) => byId(url, () => ({ body: { id: 'u1' } })))
    await expect(one('u2')).rejects.toMatchObject({ class: 'schema' })
  })

  test('groups that move while they are read give no memberships', async () => {
    let turn = 0
    const groups = Array.from({ length: 6 }, (_, n) => ({ id: `g${n}`, members: [{ value: 'u1' }] }))
    serve((url) => byId(url, (id) => ({ body: { id } })), (url) => indexPage(turn++ % 2 === 0 ? groups : [...groups].reverse(), url))
    const { readOne } = await openScim(server.baseUrl, { paging: 'index', pageSize: 3 })
    await expect(readOne?.('u1')).rejects.toMatchObject({ class: 'partial', message: containing('moved') })
  })

  test.each<[string, (all: object[], url: URL) => Answer]>([
    ['honoured', (all, url) => indexPage(all.filter((g) => JSON.stringify(g).includes(/"(.*)"/.exec(url.searchParams.get('filter') ?? '"u"')?.[1] ?? '')), url)],
    ['ignored', (all, url) => indexPage(all, url)],
    ['answered with nothing', (all, url) => indexPage(url.searchParams.has('filter') ? [] : all, url)],
    ['refused', (all, url) => (url.searchParams.has('filter') ? { status: 400, body: errorBody(400, { scimType: 'invalidFilter' }) } : indexPage(all, url))],
  ])('memberships are whole where the filter on members is %s', async (_, answer) => {
    const groups = [{ id: 'g0', members: [{ value: 'u0' }] }, { id: 'g1', members: [{ value: 'u1' }] }, { id: 'g2', members: [{ value: 'u0' }, { value: 'u1' }] }]
    serve((url) => byId(url, (id) => ({ body: { id } })), (url) => answer(groups, url))
    const pieces = await one('u1')
    expect(pieces?.flatMap((p) => (p.piece === 'membership' ? [p.ref.id] : []))).toEqual(['g1', 'g2'])
  })
})

describe('changes', () => {
  const modified = people(3, () => ({ meta: { lastModified: '2026-01-02T03:04:05Z' } }))
  const offered = async () => (await openScim(server.baseUrl, { paging: 'index' })).changes !== undefined

  test.each<[string, (url: URL) => Answer]>([
    ['ignores the filter', (url) => indexPage(modified, url)],
    ['answers a filter with nothing', (url) => indexPage(url.searchParams.has('filter') ? [] : modified, url)],
    ['refuses the filter', (url) => (url.searchParams.has('filter') ? { status: 400, body: errorBody(400, { scimType: 'invalidFilter' }) } : indexPage(modified, url))],
    ['has nobody to measure it by', (url) => indexPage([], url)],
  ])('are not offered where the server %s', async (_, users) => {
    serve(users)
    expect(await offered()).toBe(false)
  })

  test('are not offered where they are switched off, and a cursor of another make is refused', async () => {
    const filtering = (url: URL) => indexPage((url.searchParams.get('filter') ?? '').includes('"203') ? [] : modified, url)
    serve(filtering)
    expect(await offered()).toBe(true)
    const session = await openScim(server.baseUrl, { paging: 'index', changes: 'off' })
    expect(session.changes).toBeUndefined()
    const { changes } = await openScim(server.baseUrl, { paging: 'index' })
    await expect(changes?.('{"since":"now"}')).rejects.toMatchObject({ class: 'fatal', place: 'changes' })
  })
})
