import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import { contractPartitions, logContract } from '../../contract/log.ts'
import { portableLogContract } from '../../contract/portable-log.ts'

const directory = (): Promise<string> => mkdtemp(join(tmpdir(), 'grantline-log-'))

for (const durability of ['disk', 'process'] as const) {
  const create = async (): Promise<{ open: () => Promise<EmbeddedLog>; dispose: () => Promise<void> }> => {
    const path = await directory()
    return {
      open: () => openEmbeddedLog({ path, partitions: contractPartitions, durability }),
      dispose: () => rm(path, { recursive: true, force: true }),
    }
  }
  logContract(`embedded, durable to ${durability}`, create)
  portableLogContract(`embedded, durable to ${durability}`, create)
}

describe('embedded log', () => {
  let path: string
  let log: EmbeddedLog
  const open = (partitions: Record<Topic, number> = contractPartitions): Promise<EmbeddedLog> => openEmbeddedLog({ path, partitions, durability: 'process' })

  beforeEach(async () => {
    path = await directory()
    log = await open()
  })
  afterEach(async () => {
    await log.close()
    await rm(path, { recursive: true, force: true })
  })

  it('is made where no directory was', async () => {
    const deeper = join(path, 'a', 'b')
    const other = await openEmbeddedLog({ path: deeper, partitions: contractPartitions, durability: 'disk' })
    await other.close()
  })

  it('refuses other partition counts, naming both and what to do; and opens again with the right ones', async () => {
    await log.close()
    await expect(open({ ...contractPartitions, facts: 8 })).rejects.toThrow(/facts was created with 3 partitions, the configuration says 8.*set partitions back to 3/s)
    log = await open()
    expect(log.partitions).toEqual(contractPartitions)
  })

  it('takes a topic that a newer release adds, and leaves the others where they are', async () => {
    await log.close()
    await rm(path, { recursive: true })
    const before = Object.fromEntries(Object.entries(contractPartitions).filter(([topic]) => topic !== 'access')) as Record<Topic, number>
    log = await open(before)
    const append = { key: null, timestamp: 1, partition: 0 }
    await (await log.openTask('t')).commit({ appends: [{ ...append, topic: 'raw', value: Uint8Array.of(1) }], state: new Map() })
    await log.close()
    log = await open()
    await (await log.openTask('t')).commit({ appends: [{ ...append, topic: 'access', value: Uint8Array.of(2) }], state: new Map() })
    const all = { maxMessages: 9, maxBytes: 9_999 }
    expect([...(await log.read('raw', 0, 0, all))[0]!.value]).toEqual([1])
    expect([...(await log.read('access', 0, 0, all))[0]!.value]).toEqual([2])
  })

  it('refuses a second opening, and names the holder', async () => {
    await expect(open()).rejects.toThrow(/process\.lock: this process has it open already/)
  })

  it('refuses keys that UTF-8 cannot hold, which would fall together', async () => {
    const task = await log.openTask('t')
    expect(() => task.state.get('a\ud800')).toThrow(/surrogate/)
    await expect(task.commit({ appends: [], state: new Map([['a\ud800', Uint8Array.of(1)]]) })).rejects.toThrow(/surrogate/)
  })

  it('serves commits that are asked for together, in order for each task', async () => {
    const tasks = await Promise.all(Array.from({ length: 6 }, (_, i) => log.openTask(`t/${i}`)))
    await Promise.all(
      tasks.map(async (task, i) => {
        for (let n = 0; n < 20; n++) {
          await task.commit({
            appends: [{ topic: 'facts', partition: 0, key: null, timestamp: n, value: Uint8Array.of(i, n) }],
            state: new Map([['position', Uint8Array.of(n)]]),
          })
        }
      }),
    )
    const read = await log.read('facts', 0, 0, { maxMessages: 1_000, maxBytes: 1e9 })
    expect(read.map((message) => message.offset)).toEqual(Array.from({ length: 120 }, (_, i) => i))
    for (const [i, task] of tasks.entries()) {
      expect(read.filter((message) => message.value[0] === i).map((message) => message.value[1])).toEqual(Array.from({ length: 20 }, (_, n) => n))
      expect(task.state.get('position')?.[0]).toBe(19)
    }
  })

  it('keeps the schemas of its messages through a restart', async () => {
    const message = createFileCodec(log.schemas).encode('raw', [{ type: 'Tick', at: 7 }])
    await log.close()
    log = await open()
    const id = Buffer.from(message).readUInt32BE(1)
    expect(log.schemas.get(id)).toMatchObject({ topic: 'raw' })
    expect(log.schemas.get(id + 1)).toBeUndefined()
    expect(createFileCodec(log.schemas).decode('raw', message)).toEqual([{ type: 'Tick', at: 7 }])
    expect(() => log.schemas.put(id, 'facts', '"string"')).toThrow(/already stands for another schema/)
  })
})
