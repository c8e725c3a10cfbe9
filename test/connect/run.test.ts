import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accountKey } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import { partitionOf } from '../../src/core/partition.ts'
import { ConnectError, type ConnectorSession, type Mapped, type Stream } from '../../src/ports/connector.ts'
import { type Fault, FlakySource, type StreamName, makeWorld } from '../support/flaky-source.ts'
import { Lab, startOfTime } from './lab.ts'

let lab: Lab
beforeEach(() => {
  lab = new Lab()
})
afterEach(() => {
  expect(lab.leftovers()).toEqual([])
  lab.dispose()
})

const attributes = { kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values: {} } as const
const account = (id: string, display: string | null = null): Mapped => ({ piece: 'account', id, valid: null, attributes: { ...attributes, display } })

/** A session whose rows are the pieces themselves, all of a stream in one page. */
function scripted(streams: (Pick<Stream, 'name' | 'classes'> & { proof?: Stream['proof']; rows: Mapped[][] })[]): () => Promise<ConnectorSession> {
  return () =>
    Promise.resolve({
      streams: streams.map(({ name, classes, proof = 'transaction', rows }) => ({
        name,
        classes,
        proof,
        pages: async function* () {
          await Promise.resolve()
          yield { rows, place: `${name} page 0`, total: rows.length, start: 0 }
        },
        map: (row) => row as Mapped[],
      })),
      close: () => Promise.resolve(),
    })
}

describe('a run without trouble', () => {
  it('publishes nothing while pages are fetched: no transaction spans one', async () => {
    const ends = (): Promise<number[]> => Promise.all([0, 1, 2].map((partition) => lab.log.end('raw', partition)))
    const meanwhile: Promise<number[]>[] = []
    await lab.snapshot(new FlakySource({ world: makeWorld(), onPage: () => meanwhile.push(ends()) }).open)
    expect(meanwhile.length).toBeGreaterThan(8)
    expect(await Promise.all(meanwhile)).toEqual(meanwhile.map(() => [0, 0, 0]))
    expect(await ends()).not.toContain(0)
  })

  it('publishes begin, definitions, their end, accounts and the end, in this order, to the right partitions', async () => {
    const source = new FlakySource({ world: makeWorld() })
    const result = await lab.snapshot(source.open)
    expect(result).toMatchObject({ run: 1, verdict: 'complete', error: null })
    expect([source.opened, source.closed]).toEqual([1, 1])
    const order = ['RunBegin', 'Definition', 'DefinitionsEnd', 'Account', 'RunEnd']
    let accounts = 0
    for (let partition = 0; partition < 3; partition++) {
      const records = await lab.partition('raw', partition)
      const phases = records.map(({ type }) => order.indexOf(type))
      expect(phases).toEqual([...phases].sort((a, b) => a - b))
      expect(records.filter(({ type }) => type === 'Definition')).toHaveLength(10)
      const ids = records.flatMap((record) => (record.type === 'Account' ? [record.id] : []))
      expect(ids).toEqual([...ids].sort(compareKeys))
      for (const id of ids) expect(partitionOf(accountKey('app', id), 3)).toBe(partition)
      const end = records.find((record) => record.type === 'RunEnd')
      for (const manifest of end?.classes ?? []) {
        expect(manifest.verdict).toBe('complete')
        if (manifest.class !== 'definitions') expect(manifest.counts[partition]).toBe(ids.length)
      }
      accounts += ids.length
    }
    expect(accounts).toBe(8)
  })

  it('puts memberships of both sides into one whole facet, sorted', async () => {
    await lab.snapshot(new FlakySource({ world: makeWorld() }).open)
    const u01 = (await lab.of('raw', 'Account')).find(({ id }) => id === 'u01')
    expect(u01?.memberships).toEqual({
      whole: true, removed: [],
      added: [{ ref: { kind: 'group', id: 'g2' }, valid: null }, { ref: { kind: 'role', id: 'clerk' }, valid: null }],
    })
    expect(u01).toMatchObject({ grants: null, credentials: null, attributes: { whole: true, display: 'User u01' }, run: 1, gone: false })
  })

  it('tells the run to sync-runs, and nothing to the dead letters', async () => {
    await lab.snapshot(new FlakySource({ world: makeWorld() }).open)
    const runs = await lab.all('sync-runs')
    expect(runs.map(({ phase, verdict, run }) => [phase, verdict, run])).toEqual([['begin', null, 1], ['end', 'complete', 1]])
    expect(runs[1]).toMatchObject({ read: 18, rejected: 0, pages: 10 })
    expect(await lab.all('dead-letters')).toEqual([])
  })

  it('numbers runs upwards and never lets stamps run back, over restarts and a clock that does', async () => {
    const open = new FlakySource({ world: makeWorld(2) }).open
    await lab.snapshot(open)
    lab.clock.leap(-3_600_000)
    await lab.snapshot(open)
    const begins = (await lab.partition('raw', 0)).filter((record) => record.type === 'RunBegin')
    const ends = (await lab.partition('raw', 0)).filter((record) => record.type === 'RunEnd')
    expect(begins.map(({ run }) => run)).toEqual([1, 2])
    expect(begins[0]!.observed).toBe(startOfTime * 1_000)
    expect(begins[1]!.observed).toBeGreaterThan(ends[0]!.observed)
  })

  it('stamps no account later than the oldest read that says something about it', async () => {
    const source = new FlakySource({ world: makeWorld(), onPage: () => lab.clock.advance(1_000) })
    await lab.snapshot(source.open)
    const records = await lab.partition('raw', 0)
    const begin = records.find((record) => record.type === 'RunBegin')!.observed
    // 3 pages of roles pass, then the groups begin: an account's missing group is as old as that.
    const groupsBegan = begin + 3_000_000
    for (const record of await lab.of('raw', 'Account')) expect(record.observed).toBe(groupsBegan)
    const stamps = records.flatMap((record) => (record.type === 'Definition' && record.ref.kind === 'role' ? [record.observed] : []))
    expect(new Set(stamps).size).toBe(3)
  })

  it('stamps everything of a transaction as of its opening', async () => {
    const source = new FlakySource({ world: makeWorld(), proof: 'transaction', onPage: () => lab.clock.advance(1_000) })
    await lab.snapshot(source.open)
    const begin = (await lab.of('raw', 'RunBegin'))[0]!.observed
    for (const record of await lab.of('raw', 'Account')) expect(record.observed).toBe(begin)
  })
})

describe('a run with a loss', () => {
  const streams: StreamName[] = ['roles', 'groups', 'users']
  const kinds: Fault['kind'][] = ['drop', 'hide', 'repeat', 'shorten', 'move', 'die', 'empty']
  const touched: Record<StreamName, string[]> = {
    roles: ['definitions'],
    groups: ['definitions', 'memberships'],
    users: ['accounts', 'memberships'],
  }
  const cases = streams.flatMap((stream) => kinds.map((kind) => ({ stream, kind })))

  it.each(cases)('$kind in $stream: exactly its classes are partial, with a place', async ({ stream, kind }) => {
    const source = new FlakySource({ world: makeWorld(), fault: { kind, stream, page: 1 } })
    const result = await lab.snapshot(source.open)
    const partial = result.classes.filter(({ verdict }) => verdict === 'partial').map((manifest) => manifest.class)
    expect(partial).toEqual(touched[stream])
    for (const manifest of result.classes) {
      if (manifest.verdict === 'partial') expect(manifest.place).toContain(stream)
      else expect(manifest.verdict).toBe('complete')
    }
    expect(source.closed).toBe(1)
    expect((await lab.of('sync-runs', 'SyncRun')).at(-1)).toMatchObject({ phase: 'end', verdict: 'partial' })
  })

  it.each(cases)('$kind in $stream: no facet that it contributes to is whole, and every other is', async ({ stream, kind }) => {
    await lab.snapshot(new FlakySource({ world: makeWorld(), fault: { kind, stream, page: 1 } }).open)
    const definitions = await lab.of('raw', 'Definition')
    const accounts = await lab.of('raw', 'Account')
    expect(definitions.length).toBeGreaterThan(0)
    expect(accounts.length).toBeGreaterThan(0)
    for (const { whole } of definitions) expect(whole).toBe(!touched[stream].includes('definitions'))
    for (const { memberships } of accounts) expect(memberships?.whole).toBe(!touched[stream].includes('memberships'))
  })

  it('publishes what was read before the source died', async () => {
    const result = await lab.snapshot(new FlakySource({ world: makeWorld(), fault: { kind: 'die', stream: 'users', page: 2 } }).open)
    expect(result.error).toMatchObject({ class: 'transient', place: 'users page 2' })
    expect(result.classes.find((manifest) => manifest.class === 'accounts')).toMatchObject({ reason: 'transient: the connection broke', read: 4 })
    const listed = (await lab.of('raw', 'Account')).filter(({ attributes: facet }) => facet !== null)
    expect(listed.map(({ id }) => id).sort()).toEqual(['u00', 'u01', 'u02', 'u03'])
    expect(await lab.all('dead-letters')).toEqual([])
  })

  it('reads rows that moved once more, and believes the second read', async () => {
    const source = new FlakySource({ world: makeWorld(), fault: { kind: 'move', stream: 'users', page: 1, once: true } })
    const result = await lab.snapshot(source.open)
    expect(source.reads).toEqual({ roles: 1, groups: 1, users: 2 })
    expect(result.verdict).toBe('complete')
    expect((await lab.of('raw', 'Account')).map(({ id }) => id).sort()).toEqual(makeWorld().users.map(({ id }) => id))
  })

  it('does not read again after any other loss', async () => {
    const source = new FlakySource({ world: makeWorld(), fault: { kind: 'drop', stream: 'users', page: 1, once: true } })
    expect((await lab.snapshot(source.open)).verdict).toBe('partial')
    expect(source.reads.users).toBe(1)
  })

  it('is unknown, with facets that are not whole, where the source offers no proof', async () => {
    const result = await lab.snapshot(new FlakySource({ world: makeWorld(), proof: 'none' }).open)
    expect(result.verdict).toBe('unknown')
    for (const { memberships } of await lab.of('raw', 'Account')) expect(memberships?.whole).toBe(false)
  })

  it('is published as begin and end, partial and without objects, where the application can not be opened', async () => {
    const result = await lab.snapshot(() => Promise.reject(new ConnectError('authentication', 'refused', 'token endpoint')))
    expect(result).toMatchObject({ verdict: 'partial', reason: 'authentication: refused', place: 'token endpoint', error: { class: 'authentication' } })
    for (let partition = 0; partition < 3; partition++) {
      expect((await lab.partition('raw', partition)).map(({ type }) => type)).toEqual(['RunBegin', 'DefinitionsEnd', 'RunEnd'])
    }
    expect((await lab.of('raw', 'DefinitionsEnd'))[0]!.manifest.verdict).toBe('partial')
    expect((await lab.all('sync-runs')).map(({ verdict, reason }) => [verdict, reason])).toEqual([[null, null], ['partial', 'authentication: refused']])
  })

  it('is partial everywhere where the first page of everything fails', async () => {
    const result = await lab.snapshot(() => Promise.resolve({
      streams: [{
        name: 'all', classes: ['definitions', 'accounts', 'memberships'], proof: 'cursor',
        pages: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('boom')) }) }),
        map: () => [],
      }],
      close: () => Promise.resolve(),
    }))
    expect(result.classes.map(({ verdict }) => verdict)).toEqual(['partial', 'partial', 'partial'])
    expect(result.error).toMatchObject({ class: 'fatal', message: 'Error: boom' })
  })
})

describe('rows that can not be believed', () => {
  it('count as seen where their id is known, and leave their class complete', async () => {
    const world = makeWorld()
    world.users[3]!.name = 'broken'
    const result = await lab.snapshot(new FlakySource({ world }).open)
    expect(result.classes.find((manifest) => manifest.class === 'accounts')).toMatchObject({ verdict: 'complete', rejected: 1 })
    expect(await lab.of('raw', 'Seen')).toEqual([{ type: 'Seen', app: 'app', id: 'u03', run: 1 }])
    expect((await lab.of('raw', 'Account')).map(({ id }) => id)).not.toContain('u03')
    expect(await lab.all('dead-letters')).toMatchObject([
      { code: 'mapping', reason: 'the user has no name', record: 'u03', place: 'users page 1, row 2', run: 1, stage: 'map' },
    ])
    const counts = result.classes.find((manifest) => manifest.class === 'accounts')!.counts
    expect(counts.reduce((a, b) => a + b, 0)).toBe(8)
  })

  it('broken in the same way have one letter however many runs see them; otherwise, or in another stream, another', async () => {
    const ids = async (...rows: [string, Mapped[][]][]): Promise<string[]> => {
      const before = (await lab.all('dead-letters')).length
      const result = await lab.snapshot(scripted(rows.map(([name, of]) => ({ name, classes: ['accounts'], rows: of }))))
      expect(result.classes[0]?.rejected).toBe(rows.reduce((sum, [, of]) => sum + of.length, 0))
      return (await lab.all('dead-letters')).slice(before).map(({ id }) => id)
    }
    const empty = [[account('')]]
    const first = await ids(['users', empty])
    expect(await ids(['users', empty])).toEqual(first)
    expect(await ids(['users', [[account(''), account('')]]])).not.toEqual(first)
    expect(await ids(['robots', empty])).not.toEqual(first)
  })

  it('make the class partial where nobody can say whose they are', async () => {
    const world = makeWorld()
    world.users[3]!.name = 'nameless'
    const result = await lab.snapshot(new FlakySource({ world }).open)
    expect(result.classes.filter(({ verdict }) => verdict === 'partial').map((manifest) => manifest.class)).toEqual(['accounts', 'memberships'])
  })

  it('are masked in the dead letters', async () => {
    const world = makeWorld()
    world.users[0] = { id: 'u00', name: 'broken', roles: ['S3cret!'] }
    await lab.snapshot(new FlakySource({ world }).open)
    const [letter] = await lab.all('dead-letters')
    expect(JSON.stringify(letter)).not.toContain('S3cret')
    expect(letter!.payload).toContain('"roles":["x9xxxx!"]')
  })

  it('never stop the run, whatever map throws or answers', async () => {
    const bad: Mapped[][] = [
      [account('')],
      [account('\ud800')],
      [{ piece: 'membership', account: 'a', ref: { kind: 'role', id: '' }, valid: null }],
      [Object.assign(account('b'), { surprise: 1 })],
      undefined as unknown as Mapped[],
      [account('good')],
    ]
    const result = await lab.snapshot(scripted([{ name: 'users', classes: ['accounts'], rows: bad }]))
    expect((await lab.of('raw', 'Account')).map(({ id }) => id)).toEqual(['good'])
    expect(await lab.all('dead-letters')).toHaveLength(5)
    expect(result.verdict).toBe('partial')
  })
})

describe('a schema that changes', () => {
  const rows = (patch: object) => () => Promise.resolve<ConnectorSession>({
    streams: [{
      name: 'users', classes: ['accounts'], proof: 'transaction',
      pages: async function* () {
        await Promise.resolve()
        yield { rows: [{ id: 'a', mail: 'ann@example.org' }, { id: 'b', mail: 'bob@example.org', ...patch }], place: 'users page 1', total: 2, start: 0 }
      },
      map: (row) => [account((row as { id: string }).id)],
    }],
    close: () => Promise.resolve(),
  })

  it('is told once, with a masked example, and what was learned survives the process', async () => {
    expect((await lab.snapshot(rows({}))).shapeChanges).toEqual([])
    const changed = await lab.snapshot(rows({ mail: 7, phone: '+41' }), { source: await lab.source() })
    expect(changed.shapeChanges).toMatchObject([
      { stream: 'users', field: 'mail', change: 'type', was: 'string', is: 'number', example: '9', place: 'users page 1, row 2' },
      { field: 'phone', change: 'appeared', example: expect.not.stringContaining('41') as string },
    ])
    expect((await lab.snapshot(rows({ mail: 7, phone: '+41' }), { source: await lab.source() })).shapeChanges).toEqual([])
    const ends = (await lab.all('sync-runs')).filter(({ phase }) => phase === 'end')
    expect(ends.map(({ run, schemaChanges }) => [run, schemaChanges])).toEqual([[1, null], [2, changed.shapeChanges], [3, null]])
  })

  it('is kept within the size of a record, however much it is', async () => {
    await lab.snapshot(rows({}))
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`field${at}`, 'long '.repeat(400)]))
    const { shapeChanges } = await lab.snapshot(rows(many), { source: await lab.source() })
    expect(shapeChanges).toHaveLength(150)
    const [kept] = (await lab.all('sync-runs')).filter(({ run, phase }) => run === 2 && phase === 'end')
    expect(kept!.schemaChanges).toHaveLength(100)
    expect(kept!.schemaChanges![0]!.example).toHaveLength(120)
  })
})

describe('ids', () => {
  const users = (rows: Mapped[][], proof: Stream['proof'] = 'transaction'): (() => Promise<ConnectorSession>) =>
    scripted([{ name: 'users', classes: ['accounts', 'memberships'], proof, rows }])
  const canonical = (native: string): string => native.toLowerCase()

  it('two native ids with one canonical id: the second is a dead letter and the class partial', async () => {
    const role = (of: string, id: string): Mapped => ({ piece: 'membership', account: of, ref: { kind: 'role', id }, valid: null })
    const result = await lab.snapshot(users([[account('Ann'), role('Ann', 'a')], [account('ANN'), role('ANN', 'b')]]), { canonical })
    const accounts = await lab.of('raw', 'Account')
    expect(accounts).toHaveLength(1)
    expect(accounts[0]).toMatchObject({ id: 'ann', native: 'Ann', memberships: { whole: false, added: [{ ref: { kind: 'role', id: 'a' } }] } })
    expect(await lab.all('dead-letters')).toMatchObject([{ code: 'id-collision', record: 'ANN', place: 'users page 0, row 2' }])
    expect(result).toMatchObject({ verdict: 'partial', place: 'users page 0, row 2' })
  })

  it('another spelling in a group is the same account', async () => {
    await lab.snapshot(scripted([
      { name: 'groups', classes: ['memberships'], rows: [[{ piece: 'membership', account: 'ANN', ref: { kind: 'group', id: 'g' }, valid: 5 }]] },
      { name: 'users', classes: ['accounts'], rows: [[account('Ann')]] },
    ]), { canonical })
    expect(await lab.of('raw', 'Account')).toMatchObject([{ id: 'ann', native: 'Ann', memberships: { whole: true, added: [{ valid: 5 }] } }])
  })

  it('the same account told in two ways is not whole, and its class partial with the place', async () => {
    const result = await lab.snapshot(users([[account('a', 'Ann')], [account('a', 'Bob')]]))
    expect(result).toMatchObject({ verdict: 'partial', reason: 'the same account was told in two ways', place: 'users page 0, row 2' })
    expect((await lab.of('raw', 'Account'))[0]?.attributes).toMatchObject({ whole: false, display: 'Ann' })
  })

  it('the same account told twice alike is no trouble in a transaction, and moved rows under a count', async () => {
    expect((await lab.snapshot(users([[account('a')], [account('a')]]))).verdict).toBe('complete')
    expect((await lab.snapshot(users([[account('a')], [account('a')]], 'total'))).verdict).toBe('partial')
  })

  it('a piece of an account that no row showed is a dead letter, unless accounts are not read at all', async () => {
    const group: Mapped[] = [{ piece: 'membership', account: 'ghost', ref: { kind: 'group', id: 'g' }, valid: null }]
    const groups = { name: 'groups', classes: ['memberships'] as const, rows: [group] }
    const result = await lab.snapshot(scripted([groups, { name: 'users', classes: ['accounts'], rows: [[account('a')]] }]))
    expect(result.verdict).toBe('complete')
    expect(await lab.all('dead-letters')).toMatchObject([{ code: 'dangling-account', record: 'ghost', place: 'groups page 0, row 1' }])
    const elsewhere: Mapped[] = [{ piece: 'membership', account: 'ghost', ref: { kind: 'group', id: 'admins' }, valid: null }]
    for (const rows of [[group], [elsewhere]]) await lab.snapshot(scripted([{ ...groups, rows }, { name: 'users', classes: ['accounts'], rows: [[account('a')], [account('b')]] }]))
    const [first, again, other] = (await lab.all('dead-letters')).map(({ id }) => id)
    expect([again === first, other === first]).toEqual([true, false])
    await lab.snapshot(scripted([groups]))
    expect((await lab.of('raw', 'Account')).find(({ id }) => id === 'ghost')).toMatchObject({ attributes: null, memberships: { whole: true } })
  })
})

describe('size and interruption', () => {
  it('cuts a large run into bounded transactions, each with its checkpoint', async () => {
    const rows = Array.from({ length: 5_000 }, (_, at) => [account(`user-${String(at).padStart(6, '0')}`)])
    const result = await lab.snapshot(scripted([{ name: 'users', classes: ['accounts'], rows }]))
    expect(result.classes[0]).toMatchObject({ verdict: 'complete', read: 5_000 })
    expect(await lab.of('raw', 'Account')).toHaveLength(5_000)
    const messages = await lab.log.read('raw', 0, 0, { maxMessages: 10_000, maxBytes: 2 ** 30 })
    expect(messages.length).toBeGreaterThan(4)
  })

  it('an abort while reading publishes no part of the run, and the next one has a higher number', async () => {
    const source = new FlakySource({ world: makeWorld(), onPage: (stream) => { if (stream === 'users') lab.controller.abort(new Error('stopping')) } })
    await expect(lab.snapshot(source.open)).rejects.toThrow('stopping')
    expect(source.closed).toBe(1)
    expect(await lab.all('raw')).toEqual([])
    const again = await lab.snapshot(new FlakySource({ world: makeWorld() }).open, { signal: new AbortController().signal })
    expect(again.run).toBe(2)
  })
})
