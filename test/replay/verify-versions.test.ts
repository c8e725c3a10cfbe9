import { describe, expect, it } from 'vitest'
import { normalise } from '../../processors/normalise/normalise.ts'
import type { Identity } from '../../schemas/wire/intent.ts'
import type { Context, ProcessorType, State } from '../../src/ports/processor.ts'
import { tell } from '../../src/replay/difference.ts'
import { taskId } from '../../src/runtime/task.ts'
import { Topology } from '../support/topology.ts'
import { Hasty } from './hasty.ts'
import { record, Surroundings, types } from './history.ts'
import { codec, find, openTemporary, rewrite, standsAt, tampered } from './logs.ts'
import { verify } from './verify.ts'

/** A version that tells facts in other words: any record of it that is taken for one of the other version is a difference. */
const reworded: ProcessorType<'raw'> = {
  ...normalise,
  version: normalise.version + 1,
  create: () => {
    const inner = normalise.create()
    const worded = (context: Context): Context => ({
      ...context, emit: (topic, key, out) => context.emit(topic, key, out.type === 'AccountFact' ? { ...out, display: 'in other words' } : out),
    })
    return {
      process: (context, one) => inner.process(worded(context), one),
      slice: (context, budget) => inner.slice(worded(context), budget),
    }
  },
}

/** Version 10, as far as the state of the key book is concerned. */
const placeless: ProcessorType<'raw'> = {
  ...normalise,
  version: 10,
  create: () => {
    const inner = normalise.create()
    const without = (context: Context): Context => ({ ...context, state: withoutPlaces(context.state) })
    return {
      process: (context, one) => inner.process(without(context), one),
      slice: (context, budget) => inner.slice(without(context), budget),
    }
  },
}

const withoutPlaces = (state: State): State => ({
  get: (table, key) => state.get(table, key),
  put: (table, key, value) => state.put(table, key, table === 'identities' ? { ...(value as object), at: undefined } : value),
  delete: (table, key) => state.delete(table, key),
  range: (...range) => state.range(...range),
})

describe('versions', () => {
  it('are compared each by its own, up to the very record, wherever the newer one took over', async () => {
    const newTypes = types.map((type) => (type.name === 'normalise' ? reworded : type))
    const met = { withinMessage: 0, resumed: 0, backlog: 0, comparedByOld: 0, comparedByNew: 0 }
    for (const steps of [1, 2, 4, 6, 10]) {
      await using recorded = await openTemporary()
      const limits = { maxBatchRecords: 3, sliceRows: 1 }
      const first = new Hasty(steps, { types, log: recorded, codec, limits, release: '0.4.1' })
      await record(first)
      const second = new Topology({ types: newTypes, log: recorded, codec, limits, clock: first.clock, release: '0.5.0' })
      await second.drain()
      for (const own of [types, newTypes]) {
        const report = await verify(recorded, { types: own, processor: 'normalise' })
        expect(report.tasks.flatMap(({ difference }) => (difference === null ? [] : [tell(difference)]))).toEqual([])
        expect(report.needs).toHaveLength(3)
        for (const { compared, versions } of report.tasks) {
          met[own === types ? 'comparedByOld' : 'comparedByNew'] += compared
          const newer = versions[1]!
          expect(versions[0]!.to).toEqual(newer.from)
          if (newer.from.index > 0) met.withinMessage++
          if (newer.resumed !== null) met.resumed++
          if (newer.epoch > newer.from.offset) met.backlog++
        }
      }
    }
    for (const times of Object.values(met)) expect(times).toBeGreaterThan(0)
  })

  const newer = { ...normalise, version: normalise.version + 1 }
  const withNewer = types.map((type) => (type.name === 'normalise' ? newer : type))

  it('names the release that made what another version has to verify', async () => {
    await using recorded = await openTemporary()
    await record(new Topology({ types, log: recorded, codec, release: '0.4.1' }))
    const ends = await Promise.all([0, 1, 2].map(async (p) => (await standsAt(recorded, taskId(normalise, p))).offset))
    const report = await verify(recorded, { types: withNewer, processor: 'normalise' })
    expect(report.needs).toEqual(ends.map((end, p) => `raw/${p} from 0.0 up to, without, ${end}.0 was processed by normalise version ${normalise.version} (grantline 0.4.1): verify with that release`))
    expect(report.tasks.map(({ compared }) => compared)).toEqual([0, 0, 0])
  })

  it('are equal over what a version does with a key book of which an older one kept no places', async () => {
    const older = types.map((type) => (type.name === 'normalise' ? placeless : type))
    await using recorded = await openTemporary()
    const first = new Topology({ types: older, log: recorded, codec, release: '0.4.1' })
    await record(first)
    const claim: Identity = {
      type: 'Identity', feed: 'people', run: null, observed: first.clock.nowMs() * 1_000, valid: null, removed: false, id: 'anna', status: 'active', display: null, start: 0, end: null,
      continues: null, attributes: {}, keys: [{ space: 'mail', key: 'ann@acme.example', since: 0 }],
    }
    await first.publish({ topic: 'intent', key: 'anna', record: claim })
    await first.advance(60_000)
    const second = new Topology({ types, log: recorded, codec, clock: first.clock, release: '0.5.0' })
    await second.advance(60_000)
    await new Surroundings(second).change('crm', { id: 'ann', direct: ['orders:audit'] })
    await second.advance(60_000)
    const last = await find(recorded, 'facts', (one) => one.type === 'AccountFact' && one.app === 'crm' && one.grants.some(({ native }) => native === 'orders:audit'))
    expect(last.record).toMatchObject({ match: 'contested', candidates: ['ann', 'anna'] })
    const report = await verify(recorded, { types, processor: 'normalise' })
    expect(report.needs).toHaveLength(3)
    expect(report.tasks.flatMap(({ difference }) => (difference === null ? [] : [tell(difference)]))).toEqual([])
  })

  it('compares the range of its own version only, and says that what differs there may be the doing of the other', async () => {
    await using recorded = await openTemporary()
    const first = new Topology({ types, log: recorded, codec, release: '0.4.1' })
    await record(first)
    const before = await Promise.all([0, 1, 2].map(async (p) => (await standsAt(recorded, taskId(normalise, p))).offset))
    const second = new Topology({ types: withNewer, log: recorded, codec, clock: first.clock, release: '0.5.0' })
    await record(second)
    for (const [own, foreign] of [[withNewer, '0.4.1'], [types, '0.5.0']] as const) {
      const report = await verify(recorded, { types: own, processor: 'normalise' })
      expect(report.needs).toHaveLength(3)
      for (const need of report.needs) expect(need).toContain(`(grantline ${foreign}): verify with that release`)
      for (const { versions, partition, compared } of report.tasks) {
        expect(versions.map(({ version, release, from }) => ({ version, release, from }))).toEqual([
          { version: normalise.version, release: '0.4.1', from: { offset: 0, index: 0 } }, { version: newer.version, release: '0.5.0', from: { offset: before[partition]!, index: 0 } },
        ])
        expect(compared).toBeGreaterThan(0)
      }
      expect(report.tasks.flatMap(({ difference }) => (difference === null ? [] : [tell(difference)]))).toEqual([])
    }

    const target = await find(recorded, 'facts', (one) => one.type === 'AccountFact' && one.cause.offset > (before[one.cause.partition] ?? 0))
    const wrong = rewrite('facts', target, (all) => all.map((one, i) => (i === target.index && one.type === 'AccountFact' ? { ...one, display: 'x' } : one)))
    const report = await verify(await tampered(recorded, types, wrong), { types: withNewer, processor: 'normalise' })
    const { partition, offset, index } = target
    expect(report.holds).toBe(false)
    expect(report.tasks.filter(({ difference }) => difference !== null)).toMatchObject([
      { certain: false, difference: { kind: 'changed', field: 'display', at: { topic: 'facts', partition, offset, index } } },
    ])
  })
})
