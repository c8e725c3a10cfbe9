import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { Operation } from '../../../schemas/wire/operations.ts'
import { RestConfig } from '../../../connectors/rest/config.ts'
import { connector } from '../../../connectors/rest/connector.ts'
import { createPlatform } from '../../../src/connect/platform.ts'
import { callUntil } from '../../../src/connect/writes/deadline.ts'
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

const handOver = mkdtempSync(join(tmpdir(), 'grantline-rest-'))
afterAll(() => rmSync(handOver, { recursive: true }))

let server: ApiServer | null = null
afterEach(async () => {
  await server?.stop()
  server = null
})

async function sideOf(answers: Answers, patch: object = {}): Promise<WriteSide> {
  server = await startApi(answers)
  const config = RestConfig.parse({ baseUrl: server.url, streams: [{ name: 'users', path: '/users', map: [{ piece: 'account', id: 'row.id' }] }], write, ...patch })
  const session = await connector.open(config, createPlatform({ app: 'app', config, clock: systemClock, signal: new AbortController().signal, env: {}, baseDir: '.' }))
  return session.write!
}

const operation = (name: Operation['name'], patch: Partial<Operation> = {}): Operation => ({
  name, account: 'ann b', ref: null, credential: null, attributes: {}, ...patch,
})
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
    expect(await side.ensure(operation('create-account', { attributes: { mail: 'ann@x.org' } }), 'create', 'key-1')).toBe('applied')
    expect(await side.ensure(operation('grant', { ref: group }), 'add to group', 'key-2')).toBe('applied')
    const [create, grant] = server!.asked
    expect(create).toMatchObject({ method: 'POST', path: '/users', headers: { 'idempotency-key': 'key-1', 'content-type': 'application/json' } })
    expect(JSON.parse(create!.body)).toEqual({ login: 'ann b', mail: 'ann@x.org', flags: { active: true } })
    expect(grant).toMatchObject({ method: 'PUT', path: '/groups/a%2Fb/members/ann%20b', body: '' })
    expect(grant!.headers['idempotency-key']).toBeUndefined()
  })

  it('read first where a whole object is to be written back, and write it only over what was read', async () => {
    const user = { login: 'ann b', name: 'Ann', active: true, age: 44 }
    const side = await sideOf(({ method }) => (method === 'GET' ? { body: user, headers: { etag: '"7"' } } : { status: 204 }))
    expect(await side.ensure(operation('disable-account'), 'disable', 'k')).toBe('applied')
    expect(JSON.parse(server!.asked[1]!.body)).toEqual({ ...user, active: false })
    expect(server!.asked[1]!.headers['if-match']).toBe('"7"')
  })

  it('write back every number as it came, also one that no double holds', async () => {
    const read = '{"active":true,"uid":9007199254740993,"quota":[-12345678901234567891,{"share":0.1234567890123456789}],"limit":1e400,"size":7,"rate":0.5}'
    const side = await sideOf(({ method }) => (method === 'GET' ? { raw: read, headers: { etag: '"7"' } } : { status: 204 }))
    expect(await side.ensure(operation('disable-account'), 'disable', 'k')).toBe('applied')
    expect(server!.asked[1]!.body).toBe(read.replace('true', 'false'))
  })

  it('take numbers out of what was read, and count with those that can be counted with', async () => {
    const step = { name: 'set', read: '/users/${account}', method: 'PUT', path: '/users/${account}', body: { of: '${read.body.uid}', next: '${int(read.body.size) + 1}', text: 'user ${read.body.uid}' } }
    const side = await sideOf(({ method }) => (method === 'GET' ? { raw: '{"uid":9007199254740993,"size":7,"share":0.1234567890123456789}' } : { status: 204 }), {
      write: { 'disable-account': [step], 'enable-account': [{ ...step, holds: 'read.body.share > 0.5' }], 'delete-account': [{ ...step, body: '${1.0 / 0.0}' }] },
    })
    expect(await side.ensure(operation('disable-account'), 'set', 'k')).toBe('applied')
    expect(server!.asked[1]!.body).toBe('{"of":9007199254740993,"next":8,"text":"user 9007199254740993"}')
    for (const name of ['enable-account', 'delete-account'] as const) await expect(side.ensure(operation(name), 'set', 'k')).rejects.toMatchObject({ class: 'schema' })
    expect(server!.asked.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it('take an answer that is no text for none: it may have been carried out', async () => {
    const side = await sideOf(({ method }) => ({ raw: Buffer.from('{"queued":"gelöscht"}', 'latin1'), status: method === 'DELETE' ? 404 : 200 }))
    await expect(side.ensure(operation('grant', { ref: group }), 'tell the index', 'k')).rejects.toMatchObject({ class: 'transient', message: expect.stringContaining('not UTF-8') as string })
    expect(await side.ensure(operation('revoke', { ref: group }), 'remove', 'k')).toBe('already')
  })

  it('do nothing where what is wanted holds already', async () => {
    const side = await sideOf(() => ({ body: { active: false } }))
    expect(await side.ensure(operation('disable-account'), 'disable', 'k')).toBe('already')
    expect(server!.asked.map(({ method }) => method)).toEqual(['GET'])
  })

  it('know by their own conditions what was so before, and what was refused', async () => {
    const side = await sideOf(({ method }) => (method === 'DELETE' ? { status: 404 } : method === 'PUT' ? { status: 412 } : { body: { queued: false } }))
    expect(await side.ensure(operation('revoke', { ref: group }), 'remove', 'k')).toBe('already')
    await expect(side.ensure(operation('grant', { ref: group }), 'add to group', 'k')).rejects.toMatchObject({ class: 'conflict' })
    await expect(side.ensure(operation('grant', { ref: group }), 'tell the index', 'k')).rejects.toMatchObject({ class: 'conflict', message: 'the application refused in its answer' })
  })

  it.each(['..', '.', ''])('send nothing where "%s" would have to stand in a path: it would be the address of something else', async (odd) => {
    const side = await sideOf(() => ({ status: 204 }))
    for (const [ref, account] of [[{ kind: 'group', id: odd }, 'ann'], [group, odd]] as const) {
      await expect(side.ensure(operation('revoke', { ref, account }), 'remove', 'k')).rejects.toMatchObject({
        class: 'schema', message: expect.stringContaining(`"${odd}"`) as string, place: '/groups/${ref.id}/members/${account}',
      })
    }
    expect(server!.asked).toEqual([])
  })

  it('send any value in a query, which a path may bring along', async () => {
    const side = await sideOf(() => ({ status: 204 }), { write: { revoke: [{ name: 'remove', method: 'DELETE', path: '/members/${account}?group=${ref.id}' }] } })
    expect(await side.ensure(operation('revoke', { ref: { kind: 'group', id: '..' } }), 'remove', 'k')).toBe('applied')
    expect(server!.asked[0]).toMatchObject({ path: '/members/ann%20b', query: new URLSearchParams({ group: '..' }) })
  })

  it('send nothing after the deadline, and nothing that can not be filled', async () => {
    const side = await sideOf(() => ({ status: 204 }))
    await expect(callUntil(AbortSignal.abort(), () => side.ensure(operation('revoke', { ref: group }), 'remove', 'k'))).rejects.toMatchObject({ class: 'transient' })
    await expect(side.ensure(operation('create-account'), 'create', 'k')).rejects.toMatchObject({ class: 'schema', message: expect.stringContaining('attributes.mail') as string })
    expect(server!.asked).toEqual([])
  })
})

it('a request that is under way when the deadline passes is given up, and not sent again', async () => {
  let closed = 0
  const hanging = createServer((request) => void request.once('close', () => (closed += 1)))
  await new Promise<void>((done) => hanging.listen(0, '127.0.0.1', done))
  const baseUrl = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`
  const side = await sideOf(() => ({}), { baseUrl })
  await expect(callUntil(AbortSignal.timeout(200), () => side.ensure(operation('revoke', { ref: group }), 'remove', 'k'))).rejects.toMatchObject({ class: 'transient', message: expect.stringContaining('given up') as string })
  await vi.waitFor(() => expect(closed).toBe(1))
  hanging.close()
})

describe('a credential', () => {
  const asked = operation('rotate-credential', { account: 'ann', credential: 'k/1', attributes: { created: '1000' } })
  const file = join(handOver, 'ann@k%2F1')
  const rotated = { name: 'rotate', read: '/keys/${credential}', holds: 'read.body.created > int(attributes.created)', method: 'POST', path: '/keys/${credential}' }
  const answered = { handOver, write: { 'rotate-credential': [{ ...rotated, newSecret: 'body.secret' }], 'disable-credential': [{ name: 'disable', method: 'DELETE', path: '/keys/${credential}', already: 'status == 404' }] } }
  const made = { handOver, write: { 'rotate-credential': [{ ...rotated, method: 'PUT', body: { secret: '${secret}' }, newSecret: 'made' }] } }
  afterEach(() => {
    for (const name of readdirSync(handOver)) rmSync(join(handOver, name))
  })

  /** A key of an application; `loses`: so many of its answers to changes never come. */
  interface Key {
    secret: string
    created: number
    changes: number
    answers: Answers
  }

  function key(loses = 0): Key {
    const state: Key = {
      secret: 'old', created: 1000, changes: 0,
      answers: ({ method, body }) => {
        if (method === 'GET') return { body: { created: state.created } }
        state.changes += 1
        state.created += 1
        state.secret = body === '' ? `secret-${state.changes}` : (JSON.parse(body) as { secret: string }).secret
        return state.changes <= loses ? { status: 503 } : { body: { secret: state.secret } }
      },
    }
    return state
  }

  it('that the application makes anew reaches its owner’s file, and nobody else’s', async () => {
    const app = key()
    const side = await sideOf(app.answers, answered)
    expect(await side.ensure(asked, 'rotate', 'k')).toBe('applied')
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777, readdirSync(handOver)]).toEqual(['secret-1', 0o600, ['ann@k%2F1']])
    expect(await side.ensure(asked, 'rotate', 'k')).toBe('already')
    expect([app.changes, readFileSync(file, 'utf8')]).toEqual([1, 'secret-1'])
    expect(await side.ensure(operation('disable-credential', { credential: 'k/1' }), 'disable', 'k')).toBe('applied')
    expect(server!.asked.at(-1)).toMatchObject({ method: 'DELETE', path: '/keys/k%2F1' })
  })

  it('whose new secret was in a lost answer is not rotated again, and a person hears of it', async () => {
    const app = key(1)
    const side = await sideOf(app.answers, answered)
    await expect(side.ensure(asked, 'rotate', 'k')).rejects.toMatchObject({ class: 'transient' })
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(side.ensure(asked, 'rotate', 'k')).rejects.toMatchObject({ class: 'conflict', message: expect.stringContaining('lost') as string })
    }
    expect(app.changes).toBe(1)
  })

  it('whose new secret is made here costs nothing when the answer is lost', async () => {
    const app = key(1)
    const side = await sideOf(app.answers, made)
    await expect(side.ensure(asked, 'rotate', 'k')).rejects.toMatchObject({ class: 'transient' })
    expect(await side.ensure(asked, 'rotate', 'k')).toBe('applied')
    expect([app.changes, readFileSync(file, 'utf8'), readdirSync(handOver)]).toEqual([1, app.secret, ['ann@k%2F1']])
  })

  it('that somebody else rotated is left to them, and what is refused leaves nothing behind', async () => {
    const app = key()
    app.created = 5000
    expect(await (await sideOf(app.answers, made)).ensure(asked, 'rotate', 'k')).toBe('already')
    await server?.stop()
    const refusing = await sideOf(({ method }) => (method === 'GET' ? { body: { created: 1000 } } : { status: 409 }), made)
    await expect(refusing.ensure(asked, 'rotate', 'k')).rejects.toMatchObject({ class: 'conflict' })
    expect([app.changes, readdirSync(handOver)]).toEqual([0, []])
  })

  it('may not be declared so that a rotation is repeated blindly, or its secret is lost', () => {
    const messages = (step: object, more: object = { handOver }): string[] => {
      const parsed = RestConfig.safeParse({ baseUrl: 'http://127.0.0.1', streams: [{ name: 'users', path: '/users', map: [{ piece: 'account', id: 'row.id' }] }], write: { 'rotate-credential': [step] }, ...more })
      return parsed.error?.issues.map(({ message }) => message) ?? []
    }
    expect(messages({ name: 'rotate', method: 'POST', path: '/keys' })).toEqual([expect.stringContaining('repeated blindly')])
    expect(messages({ name: 'rotate', method: 'POST', path: '/keys', idempotencyKey: 'Idempotency-Key', newSecret: 'body.secret' })).toEqual([])
    expect(messages({ ...rotated, newSecret: 'body.secret' }, {})).toEqual([expect.stringContaining('handOver')])
    expect(messages({ ...rotated, body: { is: '${secret}' } })).toEqual([expect.stringContaining('newSecret')])
  })
})
