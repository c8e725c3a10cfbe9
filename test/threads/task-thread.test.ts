import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import type { Codec } from '../../src/ports/codec.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { untilDrained } from '../../src/runtime/drained.ts'
import { defaultLimits } from '../../src/runtime/limits.ts'
import { openPublisher, type Publisher } from '../../src/runtime/publisher.ts'
import { tasksInThreads, type TaskThread } from '../../src/threads/task-thread.ts'
import { contractPartitions } from '../contract/log.ts'
import { accounts, one } from '../runtime/pipelines.ts'

describe('tasks in threads', () => {
  let path: string
  let log: EmbeddedLog
  let codec: Codec
  let publisher: Publisher
  let threads: TaskThread[]
  let failures: string[]
  let committed: Set<string>

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'grantline-threads-'))
    log = await openEmbeddedLog({ path, partitions: contractPartitions, durability: 'process' })
    codec = createFileCodec(log.schemas)
    publisher = await openPublisher({ log, codec, clock: systemClock, id: 'test' })
    threads = []
    failures = []
    committed = new Set()
  })
  afterEach(async () => {
    await Promise.all(threads.map((thread) => thread.stop()))
    await log.close()
    await rm(path, { recursive: true, force: true })
  })

  const start = (entry: string): void => {
    threads = tasksInThreads(
      { count: 2, entry: new URL(entry, import.meta.url) },
      { log: log.share(), limits: { ...defaultLimits, tickMs: 20 }, release: 'test' },
      { onTrouble: () => undefined, onFailed: (task, error) => failures.push(`${task}: ${String(error)}`), onCommit: ({ id }) => committed.add(id) },
    )
  }

  it('process everything, each partition in one of them, and tell of their commits', async () => {
    start('fixture-thread.ts')
    const ids = Array.from({ length: 300 }, (_, i) => `id${i}`)
    for (let from = 0; from < ids.length; from += 100) {
      await publisher.publish(ids.slice(from, from + 100).map((id) => one(id)))
      await untilDrained(threads)
      expect((await accounts(log, codec)).sort()).toEqual(ids.slice(0, from + 100).sort())
    }
    const tasks = (await Promise.all(threads.map((thread) => thread.progress()))).map((of) => of.map(({ task }) => task))
    expect(tasks.map((of) => of.map((task) => Number(task.split('/')[2])).sort().join())).toEqual(['0,0,2,2', '1,1'])
    expect([...committed].sort()).toEqual(tasks.flat().sort())
  })

  it('say which of them failed, and are not drained then', async () => {
    start('fixture-thread.ts')
    await publisher.publish([one('boom')])
    await expect(untilDrained(threads)).rejects.toThrow(/not drained: task\/fragile\/\d failed: fragile: process threw/)
    expect(failures).toEqual([expect.stringMatching(/^task\/fragile\/\d: Error: fragile: process threw.*no account is called boom/)])
  })

  it('have no limit of memory of their own, at which Node would end them in the midst of a commit', async () => {
    const limits: number[] = []
    tasksInThreads(
      { count: 1, entry: new URL('limit-thread.ts', import.meta.url) },
      { log: log.share(), limits: defaultLimits, release: 'test' },
      { onTrouble: (what) => limits.push(Number(what)), onFailed: () => undefined, onCommit: () => undefined },
    )
    await expect.poll(() => limits.length, { timeout: 20_000 }).toBe(1)
    expect(limits[0]).toBeGreaterThan(totalmem())
  })

  it('are not drained where a thread died, and say why it did', async () => {
    start('dying-thread.ts')
    await expect.poll(() => failures.length, { timeout: 20_000 }).toBe(2)
    expect(failures.sort()).toEqual(['thread 0 of the tasks: Error: its memory is gone', 'thread 1 of the tasks: Error: its memory is gone'])
    await expect(untilDrained(threads)).rejects.toThrow(/thread \d of the tasks died: its memory is gone/)
  })
})
