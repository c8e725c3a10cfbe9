import fc from 'fast-check'
import { beforeAll, afterAll, describe, expect, it } from 'vitest'
import { normalise } from '../../processors/normalise/normalise.ts'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Log } from '../../src/ports/log.ts'
import { tell, type Difference } from '../../src/replay/difference.ts'
import type { VerifyOptions } from '../../src/replay/verify-log.ts'
import { taskId } from '../../src/runtime/task.ts'
import { Topology } from '../support/topology.ts'
import { Hasty } from './hasty.ts'
import { feeds, record, Surroundings, types } from './history.ts'
import { codec, find, isOf, messagesOf, openTemporary, partitions, rewrite, standsAt, tampered, type Tamper, type Target } from './logs.ts'
import { verify } from './verify.ts'

let log: Log & AsyncDisposable

beforeAll(async () => {
  log = await openTemporary()
  await record(new Topology({ types, log, codec, limits: { maxBatchRecords: 40, sliceRows: 3 } }))
})
afterAll(() => log[Symbol.asyncDispose]())

interface Found {
  task: string
  difference: Difference
  certain: boolean
}

async function differencesOf(tamper: Tamper): Promise<Found[]> {
  const report = await verify(await tampered(log, types, tamper))
  expect(report.holds).toBe(false)
  return report.tasks.flatMap(({ processor, partition, difference, certain }) =>
    difference === null ? [] : [{ task: `${processor}/${partition}`, difference, certain }],
  )
}

async function count(topic: Topic, isIt: (record: RecordOf<Topic>) => boolean): Promise<number> {
  let found = 0
  for (let partition = 0; partition < partitions[topic]; partition++) {
    for (const { value } of await messagesOf(log, topic, partition)) found += codec.decode(topic, value).filter(isIt).length
  }
  return found
}

describe('an untouched log', () => {
  it('has every kind of output, so that the comparison is about something', async () => {
    for (const [topic, kinds] of Object.entries({
      raw: ['KeyBook', 'KeysBaseline'], facts: ['AccountFact', 'AccountGone', 'Reference', 'Desired', 'Baseline'],
      access: ['AccessChange'], findings: ['Finding'], lag: ['LagSample'], 'sync-runs': ['SyncRun'], 'dead-letters': ['DeadLetter'],
      actions: ['Proposal'], 'action-log': ['ActionChange'], commands: ['Command'],
    } as const)) {
      for (const kind of kinds) expect(await count(topic as Topic, isOf(kind)), `${kind} on ${topic}`).toBeGreaterThan(0)
    }
  })

  it('is reproduced record for record, with nothing missing and nothing more', async () => {
    const before = await Promise.all((['raw', 'facts', 'intent'] as const).map((topic) => messagesOf(log, topic, 0)))
    const report = await verify(log)
    expect(report.strays).toEqual([])
    expect(report.tasks.map(({ difference }) => difference && tell(difference)).filter((text) => text !== null)).toEqual([])
    expect(report.holds).toBe(true)
    expect(report.needs).toEqual([])

    const isOutput = (one: RecordOf<Topic>): boolean => ('cause' in one && one.cause !== null) || (one.type === 'SyncRun' && one.phase === 'partition')
    let outputs = 0
    for (const topic of Object.keys(partitions) as Topic[]) outputs += await count(topic, isOutput)
    expect(report.tasks.reduce((sum, { compared }) => sum + compared, 0)).toBe(outputs)
    expect(await Promise.all((['raw', 'facts', 'intent'] as const).map((topic) => messagesOf(log, topic, 0)))).toEqual(before)
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it('is reproduced whatever transactions and slices it was made in', async () => {
    const sizes = fc.record({ maxBatchRecords: fc.integer({ min: 1, max: 60 }), maxBatchBytes: fc.constantFrom(100, 4_000, 1_000_000), maxReadBytes: fc.constantFrom(1, 2_000, 1_000_000), sliceRows: fc.integer({ min: 1, max: 9 }) })
    await fc.assert(
      fc.asyncProperty(sizes, async (limits) => {
        await using recorded = await openTemporary()
        await record(new Topology({ types, log: recorded, codec, limits }))
        const report = await verify(recorded)
        expect(report.tasks.flatMap(({ difference }) => (difference === null ? [] : [tell(difference)]))).toEqual([])
        expect(report.holds).toBe(true)
      }),
      { numRuns: 6, seed: 20_260_101 },
    )
  })

  it('is compared as far as it is asked: one task, a range, an application', async () => {
    const all = (await verify(log, { processor: 'normalise', partition: 1 })).tasks
    expect(all.map(({ processor, partition }) => `${processor}/${partition}`)).toEqual(['normalise/1'])
    const half = Math.floor(all[0]!.position.offset / 2)
    const one = async (more: Partial<VerifyOptions>): Promise<number> => {
      const report = await verify(log, { processor: 'normalise', partition: 1, ...more })
      expect(report.holds).toBe(true)
      return report.tasks[0]!.compared
    }
    const [first, second] = [await one({ to: half }), await one({ from: half })]
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(0)
    expect(await one({ app: 'crm' })).toBeLessThan(all[0]!.compared)
    const unnamed = await one({ from: 0, to: Number.MAX_SAFE_INTEGER })
    expect(await one({ from: half, to: Number.MAX_SAFE_INTEGER })).toBe(unnamed - first)
    await expect(verify(log, { processor: 'normalize' })).rejects.toThrow(/no task normalize.*processors are entitle/)
  })

  it('is compared up to where each task stands, wherever it was stopped', async () => {
    const stops = { within: 0, slicing: 0, behind: 0 }
    for (const steps of [1, 2, 4, 6, 10]) {
      await using half = await openTemporary()
      await record(new Hasty(steps, { types, log: half, codec, limits: { maxBatchRecords: 3, sliceRows: 1 } }))
      const report = await verify(half)
      expect(report.tasks.flatMap(({ difference }) => (difference === null ? [] : [tell(difference)]))).toEqual([])
      expect(report.holds).toBe(true)
      for (const { processor, position, topic, partition } of report.tasks) {
        const row = await standsAt(half, `task/${processor}/${partition}`)
        expect(position).toEqual({ offset: row.offset, index: row.index })
        if (row.index > 0) stops.within++
        if (row.slicing) stops.slicing++
        if (row.offset < (await half.end(topic, partition))) stops.behind++
      }
    }
    for (const times of Object.values(stops)) expect(times).toBeGreaterThan(0)
  })

  it('is compared where a task was stopped in the backlog that it began with, and where it never ran', async () => {
    await using begun = await openTemporary()
    const topology = new Topology({ types, log: begun, codec, limits: { maxBatchRecords: 2 } })
    const world = new Surroundings(topology)
    await world.settings({ crm: {} }, feeds)
    await world.people(Array.from({ length: 20 }, (_, i) => ({ id: `p${i}` })))
    for (const task of topology.tasks) if (task.id.startsWith('task/entitle/')) for (let step = 0; step < 5; step++) await task.step()
    const report = await verify(begun)
    expect(report.holds).toBe(true)
    for (const { partition, position, compared } of report.tasks.filter(({ processor }) => processor === 'entitle')) {
      expect(position.offset).toBeLessThan((await find(begun, 'intent', isOf('Epoch'), partition)).offset)
      expect(compared).toBeGreaterThan(0)
    }
    expect(report.tasks.find(({ processor }) => processor === 'reconcile')).toMatchObject({ position: { offset: 0, index: 0 }, compared: 0, versions: [] })

    const { record: one } = await find(log, 'access', isOf('AccessChange'))
    const alien = { topic: 'access', partition: 0, key: null, timestamp: 0, value: codec.encode('access', [one]) } as const
    await (await begun.openTask('alien')).commit({ appends: [alien], state: new Map() })
    expect((await verify(begun)).tasks.flatMap(({ difference }) => difference ?? [])).toMatchObject([{ kind: 'extra', at: { topic: 'access', partition: 0, offset: 0 } }])
  })

  it('tells how far it has come', async () => {
    const seen: string[] = []
    await verify(log, { onProgress: ({ processor, partition, offset }) => seen.push(`${processor}/${partition} ${offset}`) })
    for (const type of types) for (let p = 0; p < partitions[type.input]; p++) expect(seen).toContain(`${type.name}/${p} ${(await standsAt(log, taskId(type, p))).offset}`)
  })
})

describe('a log that was changed', () => {
  it.each([
    ['facts', 'AccountFact', 'normalise'], ['facts', 'Desired', 'entitle'], ['raw', 'KeyBook', 'entitle'],
    ['access', 'AccessChange', 'reconcile'], ['findings', 'Finding', 'reconcile'], ['lag', 'LagSample', 'reconcile'],
  ] as const)('names a dropped record: %s %s', async (topic, kind, processor) => {
    const target = await find(log, topic, isOf(kind))
    const found = await differencesOf(rewrite(topic, target, (records) => records.filter((_, i) => i !== target.index)))
    const own = found.find(({ task }) => task.startsWith(processor))
    expect(own?.difference).toMatchObject({ at: { topic, partition: target.partition } })
    expect(['missing', 'changed']).toContain(own?.difference.kind)
    expect(own?.difference.derived).toContain(kind)
  })

  it('names a doubled record at the place of the second', async () => {
    for (const [topic, kind] of [['access', 'AccessChange'], ['facts', 'Desired'], ['sync-runs', 'SyncRun']] as const) {
      const target = await find<Topic>(log, topic, (one) => one.type === kind && (one.type !== 'SyncRun' || one.phase === 'partition'))
      const [first] = await differencesOf((messages, of, partition) =>
        of === topic && partition === target.partition ? messages.flatMap((one) => (one.offset === target.offset ? [one, one] : [one])) : messages,
      )
      const records = codec.decode(topic, (await messagesOf(log, topic, target.partition))[target.offset]!.value).length
      expect(first?.difference.at).toMatchObject({ topic, partition: target.partition, offset: target.offset + 1 })
      expect(first?.difference.at.index).toBeLessThan(records)
    }
  })

  it('names the first of two records in the wrong order', async () => {
    const target = await find(log, 'facts', (one) => one.type === 'AccountFact', 4)
    const records = codec.decode('facts', (await messagesOf(log, 'facts', target.partition))[target.offset]!.value)
    const [a, b] = records.flatMap((one, i) => (one.type === 'AccountFact' ? [i] : []))
    if (a === undefined || b === undefined) throw new Error('the message has one account only: take another')
    const found = await differencesOf(rewrite('facts', target, (all) => all.map((one, i) => (i === a ? all[b]! : i === b ? all[a]! : one))))
    const own = found.find(({ task }) => task.startsWith('normalise'))!
    expect(own.difference.at).toEqual({ topic: 'facts', partition: target.partition, offset: target.offset, index: a })
  })

  it('names a changed field of a record', async () => {
    const target = await find(log, 'access', (one) => one.type === 'AccessChange' && one.set.length > 0)
    const [only, ...others] = await differencesOf(
      rewrite('access', target, (records) =>
        records.map((one, i) => (i === target.index && one.type === 'AccessChange' ? { ...one, set: one.set.map((grant) => ({ ...grant, direct: !grant.direct })) } : one)),
      ),
    )
    expect(others).toEqual([])
    const { partition, offset, index } = target
    expect(only).toMatchObject({ certain: true, difference: { kind: 'changed', field: 'set[0].direct', at: { topic: 'access', partition, offset, index } } })
    expect(tell(only!.difference)).toContain(`access/${partition} offset ${offset} index ${index}: set[0].direct is not what the re-run gives`)
  })

  it('finds every flipped bit of an output', async () => {
    const { partition, offset: victim } = await find(log, 'lag', isOf('LagSample'))
    const { value } = (await messagesOf(log, 'lag', partition))[victim]!
    for (let at = 0; at < value.length; at++) {
      const copy = await tampered(log, types, (all, topic, p) =>
        topic !== 'lag' || p !== partition ? all : all.map((one, i) => (i === victim ? { ...one, value: one.value.map((byte, n) => (n === at ? byte ^ 2 : byte)) } : one)),
      )
      const report = await verify(copy, { processor: 'reconcile' })
      const places = [...report.strays, ...report.tasks.flatMap(({ difference }) => difference ?? [])].map(({ at: place }) => place)
      expect(report.holds, `byte ${at}`).toBe(false)
      expect(places, `byte ${at}`).toContainEqual(expect.objectContaining({ topic: 'lag', partition, offset: victim }))
    }
  })

  it('names what nothing can have written', async () => {
    const target = await find(log, 'findings', isOf('Finding'))
    const alien = { ...target.record, cause: { topic: 'intent', partition: 0, offset: 1, index: 0 } }
    const copy = await tampered(log, types, (messages, topic) =>
      topic === 'findings' ? [...messages, { offset: messages.length, key: null, timestamp: 0, value: codec.encode('findings', [alien]) }] : messages,
    )
    const end = await log.end('findings', target.partition)
    const report = await verify(copy)
    expect(report.strays).toMatchObject([{ kind: 'unattributed', at: { topic: 'findings', partition: 0, offset: end, index: 0 } }])
    expect(report.holds).toBe(false)
    expect(report.tasks.every(({ difference }) => difference === null)).toBe(true)
  })

  it('names an end that is cut off', async () => {
    const [only] = await differencesOf((messages, topic, partition) => (topic === 'findings' && partition === 0 ? messages.slice(0, -1) : messages))
    expect(only).toMatchObject({ difference: { kind: 'missing', at: { topic: 'findings', partition: 0, offset: (await log.end('findings', 0)) - 1 } } })
  })
})

describe('what is planned, done and asked of applications', () => {
  let asking: Log & AsyncDisposable

  /** An application that is asked again about who is absent, which the five days have not. */
  beforeAll(async () => {
    asking = await openTemporary()
    const topology = new Topology({ types, log: asking, codec })
    const world = new Surroundings(topology)
    await world.settings({ crm: { reread: true } }, feeds)
    for (const holders of [['ann', 'bob', 'cy', 'dee'], ['ann', 'cy']]) {
      await world.snapshot('crm', {}, holders.map((id) => ({ id, direct: ['orders:read'] })))
      await topology.advance(1_000)
    }
  })
  afterAll(() => asking[Symbol.asyncDispose]())

  interface Kind {
    topic: Topic
    processor: string
    isIt: (one: RecordOf<Topic>) => boolean
    of: () => Log
    alter: (one: RecordOf<Topic>) => RecordOf<Topic>
    field: string
  }

  const kinds: Record<string, Kind> = {
    'a proposal': {
      topic: 'actions', processor: 'reconcile', isIt: isOf('Proposal'), of: () => log, field: 'detail',
      alter: (one) => (one.type === 'Proposal' ? { ...one, detail: 'nothing to see here' } : one),
    },
    'a change of an action': {
      topic: 'action-log', processor: 'remediate', isIt: isOf('ActionChange'), of: () => log, field: 'by',
      alter: (one) => (one.type === 'ActionChange' ? { ...one, by: 'somebody else' } : one),
    },
    'a write': {
      topic: 'commands', processor: 'remediate', isIt: (one) => one.type === 'Command' && one.kind === 'write', of: () => log, field: 'write.operations[0].account',
      alter: (one) =>
        one.type === 'Command' && one.write !== null ? { ...one, write: { ...one.write, operations: one.write.operations.map((operation) => ({ ...operation, account: 'hal' })) } } : one,
    },
    'a read of one account': {
      topic: 'commands', processor: 'normalise', isIt: (one) => one.type === 'Command' && one.kind === 'reread', of: () => asking, field: 'account',
      alter: (one) => (one.type === 'Command' ? { ...one, account: 'ann' } : one),
    },
  }

  /** What its own processor says, of the second of them: what came before is equal. */
  async function found({ topic, processor, isIt, of }: Kind, change: (records: RecordOf<Topic>[], index: number) => RecordOf<Topic>[]): Promise<{ target: Target<Topic>; difference: Difference | null; before: number }> {
    const target = await find<Topic>(of(), topic, isIt, 1)
    const report = await verify(await tampered(of(), types, rewrite<Topic>(topic, target, (records) => change(records, target.index))))
    expect(report.holds).toBe(false)
    const own = report.tasks.find((task) => task.processor === processor && task.difference !== null)
    return { target, difference: own?.difference ?? null, before: own?.compared ?? 0 }
  }

  it('is reproduced where accounts are asked about again, too', async () => {
    expect((await verify(asking)).holds).toBe(true)
  })

  it.each(Object.entries(kinds))('%s that was altered is named with the field', async (_name, kind) => {
    const { target: { partition, offset, index }, difference, before } = await found(kind, (records, at) => records.map((one, i) => (i === at ? kind.alter(one) : one)))
    expect(difference).toMatchObject({ kind: 'changed', field: kind.field, at: { topic: kind.topic, partition, offset, index } })
    expect(before).toBeGreaterThan(0)
  })

  it.each(Object.entries(kinds))('%s that was dropped is named where it is missing', async (_name, kind) => {
    const { target: { partition, offset, record: gone }, difference } = await found(kind, (records, at) => records.filter((_, i) => i !== at))
    expect(difference).toMatchObject({ at: { topic: kind.topic, partition, offset } })
    expect(['missing', 'changed']).toContain(difference?.kind)
    expect(difference?.derived).toContain(gone.type)
  })

  it.each(Object.entries(kinds))('%s that is there twice is named at the place of the second', async (_name, { topic, processor, isIt, of }) => {
    const { partition, offset } = await find<Topic>(of(), topic, isIt, 1)
    const twice = await tampered(of(), types, (messages, at, p) => (at === topic && p === partition ? messages.flatMap((one) => (one.offset === offset ? [one, one] : [one])) : messages))
    const report = await verify(twice)
    expect(report.holds).toBe(false)
    const own = report.tasks.find((task) => task.processor === processor && task.difference !== null)
    expect(own?.difference).toMatchObject({ at: { topic, partition, offset: offset + 1, index: 0 } })
    expect(['extra', 'changed']).toContain(own?.difference?.kind)
  })

  it('a write that nothing gave is named, whatever it says that made it', async () => {
    const { record: write, partition } = await find(log, 'commands', (one) => one.type === 'Command' && one.kind === 'write')
    const place = { partition: 0, offset: 0, index: 0 }
    for (const cause of [null, { topic: 'dead-letters', ...place }, { topic: 'intent', ...place }, { topic: 'raw', ...place }, { topic: 'actions', ...place }]) {
      const forged: RecordOf<'commands'> = write.type === 'Command' ? { ...write, id: 'forged', cause } : write
      const copy = await tampered(log, types, (messages, topic, p) =>
        topic === 'commands' && p === partition ? [...messages, { offset: messages.length, key: 'crm', timestamp: 0, value: codec.encode('commands', [forged]) }] : messages,
      )
      const report = await verify(copy)
      const named = [...report.strays, ...report.tasks.flatMap(({ difference }) => difference ?? [])]
      expect(named, JSON.stringify(cause)).toMatchObject([{ at: { topic: 'commands', partition, offset: await log.end('commands', partition), index: 0 } }])
    }
  })
})

describe('records in parts and bytes that are none', () => {
  async function withLargeAccounts(): Promise<Log & AsyncDisposable> {
    const recorded = await openTemporary()
    const topology = new Topology({ types, log: recorded, codec })
    const world = new Surroundings(topology)
    await world.settings({ crm: {} }, feeds)
    const direct = Array.from({ length: 3_000 }, (_, i) => `entitlement-${'x'.repeat(80)}-${i}`)
    await world.snapshot('crm', {}, [{ id: 'ann', direct }, { id: 'bob', direct: ['orders:read'] }, { id: 'cy', direct }])
    const garbage = { topic: 'raw', partition: 1, key: null, timestamp: 5, value: Uint8Array.of(1, 2, 3) } as const
    await (await recorded.openTask('producer of another kind')).commit({ appends: [garbage], state: new Map() })
    await topology.advance(1_000)
    return recorded
  }

  it('are reproduced, and the letters about them too', async () => {
    await using recorded = await withLargeAccounts()
    await find(recorded, 'facts', isOf('Part'))
    await find(recorded, 'access', isOf('Part'))
    await find(recorded, 'dead-letters', (one) => one.code === 'undecodable-message')
    const report = await verify(recorded)
    expect(report.tasks.flatMap(({ difference }) => (difference === null ? [] : [tell(difference)]))).toEqual([])
    expect(report.strays).toEqual([])
    expect(report.holds).toBe(true)
  })

  it('are found where one part was changed or is gone, at the last part', async () => {
    await using recorded = await withLargeAccounts()
    const part = await find(recorded, 'facts', (one) => one.type === 'Part' && one.part === 0)
    const end = await find(recorded, 'facts', (one) => one.type === 'Part' && part.record.type === 'Part' && one.id === part.record.id && one.part === one.of - 1)
    for (const change of [
      (all: RecordOf<'facts'>[]) => all.map((one) => (one.type === 'Part' ? { ...one, bytes: one.bytes.map((byte, i) => (i === 70_000 ? byte ^ 1 : byte)) } : one)),
      (all: RecordOf<'facts'>[]) => all.map((one): RecordOf<'facts'> => (one.type === 'Part' ? { type: 'Tick', at: 1 } : one)),
    ]) {
      const report = await verify(await tampered(recorded, types, rewrite('facts', part, change)), { processor: 'normalise' })
      const [difference] = report.tasks.flatMap((task) => task.difference ?? [])
      expect(difference?.at).toMatchObject({ topic: 'facts', partition: part.partition })
      expect(difference?.at.offset).toBeGreaterThanOrEqual(end.offset)
    }
  })
})

describe('a processor that is not the one that recorded', () => {
  it('fails where it depends on something that is not recorded', async () => {
    let calls = 0
    const moody = {
      ...reconcile,
      create: () => {
        const inner = reconcile.create()
        return {
          slice: inner.slice.bind(inner),
          process: (context: Parameters<typeof inner.process>[0], one: RecordOf<'facts'>) =>
            inner.process({ ...context, emit: (topic, key, out) => context.emit(topic, key, out.type === 'AccessChange' ? { ...out, observed: ++calls } : out) }, one),
        }
      },
    }
    const own = types.map((type) => (type.name === 'reconcile' ? moody : type))
    await using recorded = await openTemporary()
    await record(new Topology({ types: own, log: recorded, codec }))
    const report = await verify(recorded, { types: own })
    expect(report.holds).toBe(false)
    const differing = report.tasks.filter(({ difference }) => difference !== null)
    expect(differing.map(({ processor }) => processor)).toContain('reconcile')
    expect(differing[0]?.difference).toMatchObject({ kind: 'changed', field: 'observed', at: { topic: 'access' } })
  })

  it('fails with the place where it throws', async () => {
    const target = await find(log, 'raw', isOf('DefinitionsEnd'))
    const broken = {
      ...normalise,
      create: () => {
        const inner = normalise.create()
        return {
          slice: inner.slice.bind(inner),
          process: (context: Parameters<typeof inner.process>[0], one: RecordOf<'raw'>) => {
            if (one.type === 'DefinitionsEnd') throw new RangeError('no')
            inner.process(context, one)
          },
        }
      },
    }
    const report = await verify(log, { types: types.map((type) => (type.name === 'normalise' ? broken : type)), processor: 'normalise', partition: target.partition })
    const { partition, offset, index } = target
    expect(report.tasks[0]?.difference).toMatchObject({ kind: 'failed', at: { topic: 'raw', partition, offset, index }, derived: expect.stringContaining('no') as string })
  })
})
