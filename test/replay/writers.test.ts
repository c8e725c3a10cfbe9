import { describe, expect, it } from 'vitest'
import type { Position } from '../../schemas/wire/common.ts'
import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import { nobody, outside, outputsOf, Writers } from '../../src/replay/writers.ts'
import { tally } from '../support/fixture-processors.ts'
import { access, deadLetter, finding, syncRun } from '../sink/records.ts'
import { types } from './history.ts'
import { partitions } from './logs.ts'

const writers = new Writers(types, partitions, new Set(['people']))
const from = (topic: Topic, partition: number): Position => ({ topic, partition, offset: 3, index: 0 })
const baseline = (cause: Position): AnyRecord => (
  { type: 'Baseline', stage: 'desired', source: 'people', class: 'identities', writer: 0, via: null, at: 0, cause }
)
const task = (processor: string, partition: number): number => writers.numberOf(processor, partition)

describe('a record is attributed', () => {
  it('by its cause: the processor of that topic, on that partition', () => {
    expect(writers.of('facts', baseline(from('intent', 1)))).toBe(task('entitle', 1))
    expect(writers.of('facts', baseline(from('raw', 2)))).toBe(task('normalise', 2))
    expect(writers.of('access', access({ cause: from('facts', 0) }))).toBe(task('reconcile', 0))
    expect(writers.of('dead-letters', deadLetter({ cause: from('raw', 1) }))).toBe(task('normalise', 1))
    expect(writers.of('raw', { type: 'KeysBaseline', feed: 'people', class: 'identities', writer: 0, cause: from('intent', 0) })).toBe(task('entitle', 0))
  })

  it('by its fields where it has no cause: what a partition says of a run', () => {
    expect(writers.of('sync-runs', syncRun({ phase: 'partition', source: 'people', partition: 1 }))).toBe(task('entitle', 1))
    expect(writers.of('sync-runs', syncRun({ phase: 'partition', source: 'crm', partition: 1 }))).toBe(task('normalise', 1))
  })

  it('to the outside: connectors, people, the partition’s own ticks', () => {
    for (const phase of ['begin', 'end'] as const) expect(writers.of('sync-runs', syncRun({ phase }))).toBe(outside)
    expect(writers.of('dead-letters', deadLetter({ cause: null }))).toBe(outside)
    expect(writers.of('raw', { type: 'Tick', at: 1 })).toBe(outside)
    expect(writers.of('raw', { type: 'Seen', app: 'crm', id: 'a', run: 1 })).toBe(outside)
  })

  it('to the outside: what a person decided about a letter, and what is asked of an application for it', () => {
    for (const topic of ['dead-letters', 'access'] as const) {
      expect(writers.of('dead-letters', deadLetter({ state: 'discarded', by: 'ann', why: 'a test row', cause: from(topic, 0) }))).toBe(outside)
    }
    expect(writers.of('dead-letters', deadLetter({ state: 'retried', by: 'ann', cause: from('dead-letters', 0) }))).toBe(outside)
    expect(writers.of('dead-letters', deadLetter({ cause: from('dead-letters', 0) }))).toBe(nobody)
    const command = { type: 'Command', id: 'c', app: 'crm', kind: 'sync', account: null, run: null, reason: 'r', write: null, at: 0 } as const
    expect(writers.of('commands', { ...command, cause: from('dead-letters', 0) })).toBe(outside)
    expect(writers.of('commands', { ...command, cause: from('raw', 1) })).toBe(task('normalise', 1))
    expect(writers.of('commands', { ...command, cause: null })).toBe(outside)
    for (const cause of [null, from('dead-letters', 0)]) expect(writers.of('commands', { ...command, kind: 'write', cause })).toBe(nobody)
    expect(writers.of('commands', { ...command, kind: 'write', cause: from('actions', 1) })).toBe(task('remediate', 1))
  })

  it('to nobody where no processor reads and writes like that', () => {
    expect(writers.of('findings', finding({ cause: from('intent', 0) }))).toBe(nobody)
    expect(writers.of('findings', finding({ cause: from('facts', 3) }))).toBe(nobody)
    expect(writers.of('findings', finding({ cause: { ...from('facts', 0), topic: 'elsewhere' } }))).toBe(nobody)
    expect(writers.of('sync-runs', syncRun({ phase: 'partition', partition: null }))).toBe(nobody)
    expect(writers.of('sync-runs', syncRun({ phase: 'partition', source: 'people', partition: 2 }))).toBe(nobody)
  })
})

it('gives each task a number of its own', () => {
  const numbers = types.flatMap(({ name, input }) => Array.from({ length: partitions[input] }, (_, partition) => task(name, partition)))
  expect(new Set([...numbers, outside, nobody]).size).toBe(numbers.length + 2)
  expect(() => task('normalize', 0)).toThrow(/no processor is called normalize: there are entitle, normalise, reconcile/)
})

it('refuses processors whose records could not be told apart', () => {
  expect(() => new Writers([...types, tally], partitions, new Set())).toThrow(/normalise and tally both read raw and write facts/)
})

it('counts dead letters among the outputs of every task', () => {
  expect(outputsOf(tally)).toEqual(['facts', 'lag', 'commands', 'dead-letters'])
})
