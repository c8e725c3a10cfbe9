import { describe, expect, it } from 'vitest'
import type { RawRecord } from '../../schemas/wire/raw.ts'
import type { Context, Encoded, Processor, ProcessorType } from '../../src/ports/processor.ts'
import { ProcessorError } from '../../src/runtime/errors.ts'
import { runBegin, seen } from '../support/fixture-processors.ts'
import { Topology } from '../support/topology.ts'
import { codec, logKinds } from './logs.ts'

/**
 * Counts accounts that are seen, whose records are all of one length: once an instance has processed one, it foresees all others. A run's begin
 * tells the count.
 */
class Counter implements Processor<'raw'> {
  #recordBytes = 0
  #foreseen: number[] = []

  process(context: Context, record: RawRecord, encoded?: Encoded): void {
    if (record.type === 'Seen') {
      this.#recordBytes = encoded!.ends[encoded!.ends.length - 1]! - encoded!.from
      add(context, 'processed', 1)
    }
    if (record.type !== 'RunBegin') return
    const cause = context.position
    for (const name of ['processed', 'recognised']) {
      const observed = context.state.get<number>('counts', name) ?? 0
      context.emit('facts', name, { type: 'AccountGone', home: 'h', app: 'app', account: name, reason: 'deleted', to: null, observed, sources: [], cause })
    }
  }

  recognise(): boolean {
    return false
  }

  foresee(_context: Context, type: string, bytes: Uint8Array, at: number): number {
    if (this.#foreseen.some((before) => before >= at)) this.#foreseen = []
    if (type !== 'Seen' || this.#recordBytes === 0) return -1
    if (Buffer.from(bytes.subarray(at, at + this.#recordBytes)).includes('boom')) throw new RangeError('no account is called boom')
    this.#foreseen.push(at)
    return at + this.#recordBytes
  }

  recogniseAll(context: Context, at: number): number {
    const known = this.#foreseen.slice(this.#foreseen.indexOf(at), this.#foreseen.indexOf(at) + 7).length
    add(context, 'recognised', known)
    return known
  }

  slice(): boolean {
    return false
  }
}

function add({ state }: Context, name: string, count: number): void {
  state.put('counts', name, (state.get<number>('counts', name) ?? 0) + count)
}

const counter: ProcessorType<'raw'> = { name: 'counter', input: 'raw', outputs: ['facts'], version: 1, stateFormat: 1, create: () => new Counter() }
const key = 'app'
const accounts = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ topic: 'raw', key, record: seen(`id${String(from + i).padStart(4, '0')}`) }) as const)
const asked = { topic: 'raw', key: null, record: runBegin(1) } as const

describe.each(logKinds)('records that are known by what was foreseen of their message, on the $name', ({ open }) => {
  it.each([16_000, 1, 10])('are counted once each, with the others of their message, in transactions of %i records', async (maxBatchRecords) => {
    await using log = await open(1)
    const topology = new Topology({ types: [counter], log, codec, limits: { maxBatchRecords } })
    await topology.publish(...accounts(0, 1))
    await topology.drain()
    const before = topology.tasks[0]!.progress().records
    await topology.publish(...accounts(1, 50), asked)
    await topology.drain()
    expect(await told(topology)).toEqual({ processed: 1, recognised: 50 })
    expect(topology.tasks[0]!.progress().records - before).toBe(51)
  })

  it('are not handed over again after a restart in the middle of their message, nor is one left out', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [counter], log, codec, limits: { maxBatchRecords: 10 } })
    await topology.publish(...accounts(0, 1))
    await topology.drain()
    await topology.publish(...accounts(1, 50), asked)
    for (let i = 0; i < 2; i++) await topology.tasks[0]!.step()
    expect(topology.tasks[0]!.progress().index).toBe(28)
    topology.restart()
    await topology.drain()
    const { processed, recognised } = await told(topology)
    expect(processed! + recognised!).toBe(51)
    expect(recognised).toBe(28)
  })

  it('and where the processor throws while it foresees, this is its bug, not the message’s', async () => {
    await using log = await open(1)
    const topology = new Topology({ types: [counter], log, codec })
    await topology.publish(...accounts(0, 1))
    await topology.drain()
    await topology.publish({ topic: 'raw', key, record: seen('boom') })
    const failure = await topology.drain().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProcessorError)
    expect((failure as Error).message).toMatch(/counter: foresee threw at raw\/0\/.*record type Seen: no account is called boom/)
  })
})

async function told(topology: Topology): Promise<Record<string, number>> {
  const facts = await topology.outputs('facts')
  return Object.fromEntries(facts.map(({ record }) => (record.type === 'AccountGone' ? [record.account, record.observed] : ['', 0])))
}
