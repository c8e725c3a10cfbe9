import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import { topicNames } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import type { RunResult } from '../../src/connect/run-result.ts'
import { runSnapshot, type SnapshotOptions } from '../../src/connect/run.ts'
import { Source } from '../../src/connect/source.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { readPartition } from '../../src/runtime/records.ts'
import { MemoryLog, MemoryStorage } from '../support/memory-log.ts'
import { MemorySchemaStore } from '../support/memory-schemas.ts'

export const startOfTime = Date.UTC(2026, 0, 1)

/** The real publisher and codec over a log in memory, a clock that is moved by hand, and a data directory of its own. */
export class Lab {
  readonly clock = new HandClock(startOfTime)
  readonly codec = createFileCodec(new MemorySchemaStore())
  readonly dataDir = mkdtempSync(join(tmpdir(), 'grantline-connect-'))
  readonly log: MemoryLog
  controller = new AbortController()

  constructor(partitions = 3, storage = new MemoryStorage()) {
    this.log = new MemoryLog(Object.fromEntries(topicNames.map((name) => [name, partitions])) as Record<Topic, number>, storage)
  }

  async source(name = 'app'): Promise<Source> {
    const { log, codec, clock } = this
    return new Source(name, await openPublisher({ log, codec, clock, id: `test/${name}` }), clock)
  }

  async snapshot(open: SnapshotOptions['open'], options: Partial<SnapshotOptions> = {}): Promise<RunResult> {
    return await runSnapshot({
      source: options.source ?? (await this.source()),
      open,
      canonical: (native) => native,
      partitions: this.log.partitions.raw,
      dataDir: this.dataDir,
      settings: '',
      signal: this.controller.signal,
      ...options,
    })
  }

  /** Logical records of one partition, in log order. */
  async partition<T extends Topic>(topic: T, partition: number): Promise<RecordOf<T>[]> {
    const records: RecordOf<T>[] = []
    for await (const { record, error } of readPartition(this.log, this.codec, topic, partition)) {
      if (record === null) throw new Error(error ?? 'undecodable')
      records.push(record)
    }
    return records
  }

  async all<T extends Topic>(topic: T): Promise<RecordOf<T>[]> {
    const partitions = await Promise.all(Array.from({ length: this.log.partitions[topic] }, (_, at) => this.partition(topic, at)))
    return partitions.flat()
  }

  async of<T extends Topic, K extends RecordOf<T>['type']>(topic: T, type: K): Promise<Extract<RecordOf<T>, { type: K }>[]> {
    return (await this.all(topic)).filter((record): record is Extract<RecordOf<T>, { type: K }> => record.type === type)
  }

  /** Files that runs left behind. */
  leftovers(): string[] {
    return readdirSync(this.dataDir, { recursive: true }).map(String).filter((name) => name.endsWith('.spool'))
  }

  dispose(): void {
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}
