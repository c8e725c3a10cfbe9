import { describe, expect, it } from 'vitest'
import { normaliseAt } from '../../processors/normalise/normalise.ts'
import { reconcileAt } from '../../processors/reconcile/reconcile.ts'
import type { FactRecord } from '../../schemas/wire/facts.ts'
import type { RawRecord } from '../../schemas/wire/raw.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import { rerun } from '../../src/replay/rerun.ts'
import { Topology } from '../support/topology.ts'
import { DAY, desired, held, policy, T0, tick, world } from '../processors/reconcile/given.ts'
import { account, defined, entitlement, keyBook, role, setting } from '../processors/normalise/world.ts'
import { codec, logKinds } from './logs.ts'

/** Far less than what concerns everybody with any record. */
const reconcile = reconcileAt({ perSubject: 4, perMark: 200 })
const normalise = normaliseAt({ perSubject: 2, perMark: 100 })
const many = 1_500
const name = (n: number): string => `p${String(n).padStart(4, '0')}`
const facts = (records: readonly FactRecord[]): Outgoing[] => records.map((record) => ({ topic: 'facts', key: null, record }))
const raw = (records: readonly RawRecord[]): Outgoing[] => records.map((record) => ({ topic: 'raw', key: null, record }))
const leaver = name(many - 1)

/** What the processor makes of its recorded input, once more. */
async function again(type: ProcessorType, log: Log, topic: Topic, scratch: Log): Promise<AnyRecord[]> {
  const made: AnyRecord[] = []
  await rerun({
    type, partition: 0, log, codec, scratch, end: await log.end(type.input, 0), admit: () => true, onProgress: () => undefined,
    onDerived: (appends) => {
      for (const append of appends) if (append.topic === topic) made.push(...codec.decode(topic, append.value))
      return Promise.resolve(true)
    },
  })
  return made
}

describe.each(logKinds)('an edit that concerns many people, on the $name', ({ open }) => {
  it('of policy is overtaken by somebody who leaves, goes on after a restart, and is done again as it was recorded', async () => {
    await using log = await open(1)
    await using scratch = await open(1)
    const topology = new Topology({ types: [reconcile], log, codec })
    const everybody = Array.from({ length: many }, (_, n) => held(name(n), name(n), ['pay']))
    await topology.publish(...facts([tick(T0 + DAY), ...world(), ...everybody]))
    await topology.drain()
    await topology.publish(...facts([policy({ severities: { 'unauthorised-grant': 'low' } })]))
    while (!topology.tasks.some((task) => task.progress().lagging)) for (const task of topology.tasks) await task.step()
    topology.restart()
    await topology.publish(...facts([desired(leaver, [], { status: 'ended', end: T0 })]))
    await topology.drain()
    const told = (await topology.outputs('findings')).map(({ record }) => record)
    const changed = told.flatMap(({ change, identity }, place) => (change === 'changed' ? [{ identity, place }] : []))
    expect(new Set(changed.map(({ identity }) => identity)).size).toBe(many)
    expect(changed).toHaveLength(many)
    const left = told.findIndex(({ kind }) => kind === 'leaver-access')
    expect(told[left]).toMatchObject({ identity: leaver, change: 'opened' })
    expect(changed.filter(({ place }) => place > left).length).toBeGreaterThan(many / 2)

    expect(await again(reconcile, log, 'findings', scratch)).toEqual(told)
  })

  it('of an application’s role is overtaken by an account that is disabled, goes on after a restart, and is done again as it was recorded', async () => {
    await using log = await open(1)
    await using scratch = await open(1)
    const topology = new Topology({ types: [normalise], log, codec })
    const clerk = role('clerk')
    const everybody = Array.from({ length: many }, (_, n) => account(name(n), 1_000_000, { roles: [clerk] }))
    await topology.publish(...raw([setting(), keyBook('left', [['email', `${leaver}@x`, 0]]), ...everybody]))
    await topology.drain()
    await topology.publish(...raw([defined(clerk, [entitlement('pay')], 2_000_000, null)]))
    while (!topology.tasks.some((task) => task.progress().lagging)) for (const task of topology.tasks) await task.step()
    topology.restart()
    await topology.publish(...raw([account(leaver, 3_000_000, { roles: [clerk], status: 'disabled' })]))
    await topology.drain()
    const told = (await topology.outputs('facts')).map(({ record }) => record)
    const changed = told.flatMap((record, place) => (record.type === 'AccountFact' && record.grants.length === 1 ? [{ ...record, place }] : []))
    expect(new Set(changed.map(({ account: id }) => id)).size).toBe(many)
    expect(changed.every(({ grantsSince }) => grantsSince?.[0] === 2_000)).toBe(true)
    const left = changed.find(({ status }) => status === 'disabled')!
    expect(left).toMatchObject({ account: leaver, home: 'identity/left' })
    expect(changed.filter(({ place }) => place > left.place).length).toBeGreaterThan(many / 2)
    expect(await again(normalise, log, 'facts', scratch)).toEqual(told)
  })
})
