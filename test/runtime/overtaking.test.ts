import { describe, expect, it } from 'vitest'
import { reconcileAt } from '../../processors/reconcile/reconcile.ts'
import type { FactRecord } from '../../schemas/wire/facts.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import { rerun } from '../../src/replay/rerun.ts'
import { Topology } from '../support/topology.ts'
import { DAY, desired, held, policy, T0, tick, world } from '../processors/reconcile/given.ts'
import { codec, logKinds } from './logs.ts'

/** Far less than what concerns everybody with any record. */
const reconcile = reconcileAt({ perSubject: 4, perMark: 200 })
const many = 1_500
const name = (n: number): string => `p${String(n).padStart(4, '0')}`
const facts = (records: readonly FactRecord[]): Outgoing[] => records.map((record) => ({ topic: 'facts', key: null, record }))
const leaver = name(many - 1)

describe.each(logKinds)('an edit that concerns many people, on the $name', ({ open }) => {
  it('of policy is overtaken by somebody who leaves, goes on after a restart, and is done again as it was recorded', async () => {
    await using log = await open(1)
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

    await using scratch = await open(1)
    const again: unknown[] = []
    await rerun({
      type: reconcile, partition: 0, log, codec, scratch, end: await log.end('facts', 0), admit: () => true, onProgress: () => undefined,
      onDerived: (appends) => {
        for (const { topic, value } of appends) if (topic === 'findings') again.push(...codec.decode('findings', value))
        return Promise.resolve(true)
      },
    })
    expect(again).toEqual(told)
  })
})
