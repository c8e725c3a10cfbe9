import { afterEach, describe, expect, it } from 'vitest'
import type { Operation } from '../../../schemas/wire/operations.ts'
import { RestConfig } from '../../../connectors/rest/config.ts'
import { connector } from '../../../connectors/rest/connector.ts'
import { createPlatform } from '../../../src/connect/platform.ts'
import type { WriteSide } from '../../../src/ports/connector.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { startApi, type Answers, type ApiServer } from './api-server.ts'

const write = {
  'create-account': [{ name: 'create', method: 'POST', path: '/users', body: { login: '${account}', mail: '${attributes.mail}', flags: { active: true } }, idempotencyKey: 'Idempotency-Key', already: 'status == 409' }],
  'disable-account': [
    { name: 'disable', read: '/users/${account}', holds: '!read.body.active', method: 'PUT', path: '/users/${account}', headers: { 'If-Match': '${read.headers.etag}' }, body: '${merge(read.body, {"active": false})}' },
  ],
  grant: [
    { name: 'add to group', when: 'ref.kind == "group"', method: 'PUT', path: '/groups/${ref.id}/members/${account}' },
    { name: 'tell the index', method: 'POST', path: '/index/${account}', refused: 'body.?queued.orValue(true) == false' },
  ],
  revoke: [{ name: 'remove', method: 'DELETE', path: '/groups/${ref.id}/members/${account}', already: 'status == 404' }],
}

let server: ApiServer | null = null
afterEach(async () => {
  await server?.stop()
  server = null
})

async function sideOf(answers: Answers): Promise<WriteSide> {
  server = await startApi(answers)
  const config = RestConfig.parse({ baseUrl: server.url, streams: [{ name: 'users', path: '/users', map: [{ piece: 'account', id: 'row.id' }] }], write })
  const session = await connector.open(config, createPlatform({ app: 'app', config, clock: systemClock, signal: new AbortController().signal, env: {}, baseDir: '.' }))
  return session.write!
}

const operation = (name: Operation['name'], patch: Partial<Operation> = {}): Operation => ({
  name, account: 'ann b', ref: null, credential: null, attributes: {}, ...patch,
})
const never = new AbortController().signal
const group = { kind: 'group', id: 'a/b' } as const

describe('declared writes', () => {
  it('offer what is declared, and name the steps that concern the operation', async () => {
    const side = await sideOf(() => ({}))
    expect([...side.operations].sort()).toEqual(['create-account', 'disable-account', 'grant', 'revoke'])
    expect(side.steps(operation('grant', { ref: group }))).toEqual(['add to group', 'tell the index'])
    expect(side.steps(operation('grant', { ref: { kind: 'role', id: 'r' } }))).toEqual(['tell the index'])
    expect(side.steps(operation('delete-account'))).toEqual([])
  })

  it('fill path and body, every value encoded, and send the key where it is taken', async () => {
    const side = await sideOf(() => ({ status: 201 }))
    expect(await side.ensure(operation('create-account', { attributes: { mail: 'ann@x.org' } }), 'create', 'key-1', never)).toBe('applied')
    expect(await side.ensure(operation('grant', { ref: group }), 'add to group', 'key-2', never)).toBe('applied')
    const [create, grant] = server!.asked
    expect(create).toMatchObject({ method: 'POST', path: '/users', headers: { 'idempotency-key': 'key-1', 'content-type': 'application/json' } })
    expect(JSON.parse(create!.body)).toEqual({ login: 'ann b', mail: 'ann@x.org', flags: { active: true } })
    expect(grant).toMatchObject({ method: 'PUT', path: '/groups/a%2Fb/members/ann%20b', body: '' })
    expect(grant!.headers['idempotency-key']).toBeUndefined()
  })

  it('read first where a whole object is to be written back, and write it only over what was read', async () => {
    const user = { login: 'ann b', name: 'Ann', active: true, age: 44 }
    const side = await sideOf(({ method }) => (method === 'GET' ? { body: user, headers: { etag: '"7"' } } : { status: 204 }))
    expect(await side.ensure(operation('disable-account'), 'disable', 'k', never)).toBe('applied')
    expect(JSON.parse(server!.asked[1]!.body)).toEqual({ ...user, active: false })
    expect(server!.asked[1]!.headers['if-match']).toBe('"7"')
  })

  it('do nothing where what is wanted holds already', async () => {
    const side = await sideOf(() => ({ body: { active: false } }))
    expect(await side.ensure(operation('disable-account'), 'disable', 'k', never)).toBe('already')
    expect(server!.asked.map(({ method }) => method)).toEqual(['GET'])
  })

  it('know by their own conditions what was so before, and what was refused', async () => {
    const side = await sideOf(({ method }) => (method === 'DELETE' ? { status: 404 } : method === 'PUT' ? { status: 412 } : { body: { queued: false } }))
    expect(await side.ensure(operation('revoke', { ref: group }), 'remove', 'k', never)).toBe('already')
    await expect(side.ensure(operation('grant', { ref: group }), 'add to group', 'k', never)).rejects.toMatchObject({ class: 'conflict' })
    await expect(side.ensure(operation('grant', { ref: group }), 'tell the index', 'k', never)).rejects.toMatchObject({ class: 'conflict', message: 'the application refused in its answer' })
  })

  it('send nothing after the deadline, and nothing that can not be filled', async () => {
    const side = await sideOf(() => ({ status: 204 }))
    await expect(side.ensure(operation('revoke', { ref: group }), 'remove', 'k', AbortSignal.abort())).rejects.toMatchObject({ class: 'transient' })
    await expect(side.ensure(operation('create-account'), 'create', 'k', never)).rejects.toMatchObject({ class: 'schema', message: expect.stringContaining('attributes.mail') as string })
    expect(server!.asked).toEqual([])
  })
})
