import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Topic } from '../../../schemas/wire/topics.ts'
import type { EmbeddedOptions } from '../../../src/adapters/log-embedded/environment.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import type { Message } from '../../../src/ports/log.ts'
import { contractPartitions } from '../../contract/log.ts'
import type { JoinedOrders } from './joined-thread.ts'

const commits = 200
const threads = 3
const tasks = ['a', 'b']

describe('an embedded log that several threads have open', () => {
  let options: EmbeddedOptions
  let log: EmbeddedLog
  beforeEach(async () => {
    options = { path: await mkdtemp(join(tmpdir(), 'grantline-joined-')), partitions: contractPartitions, durability: 'process' }
    log = await openEmbeddedLog(options)
  })
  afterEach(async () => {
    await log.close()
    await rm(options.path, { recursive: true, force: true })
  })

  async function readAll(topic: Topic, partition: number): Promise<Message[]> {
    const found: Message[] = []
    for (;;) {
      const more = await log.read(topic, partition, found.length, { maxMessages: 100, maxBytes: 1e6 })
      if (more.length === 0) return found
      found.push(...more)
    }
  }

  const start = (thread: number, does: JoinedOrders['does']): Worker => new Worker(new URL('joined-thread.ts', import.meta.url), { workerData: { log: log.share(), thread, does } satisfies JoinedOrders })

  it('holds all that each commits, in the order of each, without gaps', async () => {
    const workers = Array.from({ length: threads }, (_, thread) => start(thread, { commits, tasks }))
    await Promise.all(workers.map((worker) => once(worker, 'exit')))
    const texts = (await readAll('facts', 0)).map(({ offset, value }) => ({ offset, text: Buffer.from(value).toString() }))
    expect(texts.map(({ offset }) => offset)).toEqual(texts.map((_, i) => i))
    for (let thread = 0; thread < threads; thread++) {
      for (const task of tasks) {
        const own = texts.filter(({ text }) => text.startsWith(`${thread}${task} `)).map(({ text }) => text)
        // two appends a commit, next to each other
        expect(own).toEqual(Array.from({ length: 2 * commits }, (_, i) => `${thread}${task} ${i >> 1}${'xy'[i % 2]}`))
      }
    }
    for (let i = 0; i < texts.length; i += 2) expect(texts[i + 1]!.text).toBe(texts[i]!.text.replace('x', 'y'))
    expect(await log.end('facts', 0)).toBe(2 * commits * threads * tasks.length)
  })

  it.each([false, true])('lets what one thread commits be read in another as soon as that one is told where it ends (looks for it: %s)', async (looks) => {
    const ended = once(start(0, { echoes: commits, looks }), 'exit')
    const task = await log.openTask('main')
    const answered = async (): Promise<void> => {
      for (let i = 0; i < commits; i++) {
        await task.commit({ appends: [{ topic: 'facts', partition: 1, key: null, timestamp: i, value: Buffer.from(`${i}`) }], state: new Map() })
        await log.waitFor('access', 1, i, new AbortController().signal)
        const [answer] = await log.read('access', 1, i, { maxMessages: 1, maxBytes: 1e6 })
        expect(Buffer.from(answer!.value).toString()).toBe(`echo of ${i}`)
      }
    }
    // a thread that dies says why at once
    await Promise.all([answered(), ended])
  })

  it('fences who held a task in another thread', async () => {
    const before = await log.openTask('0a')
    const worker = start(0, { commits: 1, tasks: ['a'] })
    await once(worker, 'exit')
    await expect(before.commit({ appends: [], state: new Map([['t/k', null]]) })).rejects.toThrow(/taken over/)
  })

  it('is refused to a thread that knows other partitions', async () => {
    const other = { ...options, partitions: { ...contractPartitions, facts: contractPartitions.facts + 1 } }
    const worker = new Worker(new URL('joined-thread.ts', import.meta.url), { workerData: { log: { ...log.share(), options: other }, thread: 0, does: { echoes: 1, looks: false } } satisfies JoinedOrders })
    const [error] = (await once(worker, 'error')) as [Error]
    expect(error.message).toMatch(/other partitions/)
  })
})
