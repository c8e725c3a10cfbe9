import type { Codec } from '../../src/ports/codec.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { HandClock, type Clock } from '../../src/runtime/clock.ts'
import { defaultLimits, type TaskLimits } from '../../src/runtime/limits.ts'
import { Pipeline, type PipelineOptions } from '../../src/runtime/pipeline.ts'
import { openPublisher, type Outgoing } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { seen } from '../support/fixture-processors.ts'
import { startOfTime } from '../support/topology.ts'
import { codec } from './logs.ts'

/** Pipelines of the fixture processors: accounts go in by `raw`, and come out by `access`. */
export const one = (id: string, run = 0): Outgoing => ({ topic: 'raw', key: `app/${id}`, record: seen(id, run) })

export function start(log: Log, types: readonly ProcessorType[], clock: Clock, more: Partial<PipelineOptions> = {}, limits: Partial<TaskLimits> = {}): Pipeline & AsyncDisposable {
  const pipeline = new Pipeline({ types, log, codec, clock, limits: { ...defaultLimits, ...limits }, release: '0.0.0', ...more })
  return Object.assign(pipeline, { [Symbol.asyncDispose]: () => pipeline.stop() })
}

export async function publish(log: Log, outgoing: Outgoing[]): Promise<void> {
  await (await openPublisher({ log, codec, clock: new HandClock(startOfTime), id: 'test' })).publish(outgoing)
}

export async function accounts(log: Log, of: Codec = codec): Promise<string[]> {
  const found: string[] = []
  for (let partition = 0; partition < log.partitions.access; partition++) {
    for await (const { record } of readPartition(log, of, 'access', partition)) if (record?.type === 'AccessChange') found.push(record.account)
  }
  return found
}
