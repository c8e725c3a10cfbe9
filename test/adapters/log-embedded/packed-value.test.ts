import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { open } from 'lmdb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import { decodeMessage, encodeMessage } from '../../../src/adapters/log-embedded/layout.ts'
import { pack, unpack } from '../../../src/adapters/log-embedded/packed-value.ts'
import { contractPartitions } from '../../contract/log.ts'

const repeated = (bytes: number): Buffer => Buffer.from('an account and what it holds; '.repeat(Math.ceil(bytes / 30))).subarray(0, bytes)

describe('a message in the embedded log', () => {
  it('comes back as it was, whatever its key and its value', () => {
    const values = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(200_000).map(repeated),
      fc.nat(20_000).map((size) => randomBytes(size)),
      fc.tuple(fc.nat(5_000), fc.nat(5_000)).map(([one, other]) => Buffer.concat([repeated(one), randomBytes(other)])),
    )
    const keys = fc.option(fc.string({ unit: 'grapheme' }), { nil: null })
    fc.assert(fc.property(keys, values, fc.nat(), (key, value, timestamp) => {
      const message = decodeMessage(7, Buffer.from(encodeMessage({ key, timestamp, value })))
      expect({ ...message, value: Buffer.compare(message.value, value) }).toEqual({ offset: 7, key, timestamp, value: 0 })
    }), { numRuns: 300 })
  })

  it('takes a small part of the room where it says the same again and again, and never more than a few bytes besides', () => {
    expect(encodeMessage({ key: null, timestamp: 1, value: repeated(50_000) }).length).toBeLessThan(1_000)
    expect(encodeMessage({ key: 'k', timestamp: 1, value: randomBytes(50_000) }).length).toBe(50_013)
    expect(encodeMessage({ key: null, timestamp: 1, value: repeated(2_000) }).length).toBe(2_012)
  })

  it('that is damaged is none that can be read, wherever the damage is, or the one that it was', () => {
    const packed = Buffer.from(pack(repeated(10_000))!)
    for (let at = 0; at < packed.length; at++) {
      const damaged = Buffer.from(packed)
      damaged[at]! ^= 0x10
      const value = unpack(damaged)
      // a bit of a frame's head stands for nothing
      if (Buffer.compare(value, repeated(10_000)) !== 0) expect(value[0], `byte ${at}`).toBe(0xff)
    }
    for (const size of [0, 3, 10, packed.length - 1]) expect(unpack(packed.subarray(0, size))[0]).toBe(0xff)
  })
})

describe('a log', () => {
  let path: string
  const openLog = (): Promise<EmbeddedLog> => openEmbeddedLog({ path, partitions: contractPartitions, durability: 'process' })
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'grantline-packed-'))
  })
  afterEach(() => rmSync(path, { recursive: true, force: true }))

  async function put(value: Uint8Array): Promise<void> {
    const log = await openLog()
    const task = await log.openTask('somebody')
    await task.commit({ appends: Array.from({ length: 20 }, () => ({ topic: 'raw' as const, partition: 0, key: null, timestamp: 1, value })), state: new Map() })
    await log.close()
  }

  it('is read in pieces of the size that is asked for, unpacked', async () => {
    await put(repeated(100_000))
    const log = await openLog()
    expect(await log.read('raw', 0, 0, { maxMessages: 100, maxBytes: 350_000 })).toHaveLength(3)
    expect(statSync(join(path, 'log.mdb')).size).toBeLessThan(500_000)
    await log.close()
  })

  it('tells a message whose bytes are damaged as one that nobody can read', async () => {
    await put(repeated(100_000))
    const root = open<Buffer, Buffer>({ path: join(path, 'log.mdb'), maxDbs: 8, encoding: 'binary', keyEncoding: 'binary' })
    const messages = root.openDB<Buffer, Buffer>({ name: 'messages', encoding: 'binary', keyEncoding: 'binary' })
    const [{ key, value }] = [...messages.getRange({ limit: 1 })] as [{ key: Buffer; value: Buffer }]
    const damaged = Buffer.from(value)
    damaged[damaged.length - 5]! ^= 1
    await messages.put(key, damaged)
    await root.close()
    const log = await openLog()
    const [first, second] = await log.read('raw', 0, 0, { maxMessages: 2, maxBytes: 1e6 })
    const codec = createFileCodec(log.schemas)
    expect(() => codec.decode('raw', first!.value)).toThrow('does not begin with the frame 0x00')
    expect(Buffer.compare(second!.value, repeated(100_000))).toBe(0)
    await log.close()
  })

  it('of the format before is read as it is, and is refused by the release before from then on', async () => {
    await put(repeated(1_500)) // as it lay there before
    const meta = async (use: (generation: { format: number }) => { format: number }): Promise<void> => {
      const root = open<Buffer, Buffer>({ path: join(path, 'log.mdb'), maxDbs: 8, encoding: 'binary', keyEncoding: 'binary' })
      const db = root.openDB<{ format: number }, string>({ name: 'meta', encoding: 'json', keyEncoding: 'ordered-binary' })
      await db.put('generation', use(db.get('generation')!))
      await root.close()
    }
    await meta((generation) => ({ ...generation, format: 3 }))
    await put(repeated(100_000))
    const log = await openLog()
    const sizes = (await log.read('raw', 0, 0, { maxMessages: 100, maxBytes: 1e9 })).map(({ value }) => value.length)
    expect(sizes).toEqual([...Array<number>(20).fill(1_500), ...Array<number>(20).fill(100_000)])
    await log.close()
    await meta((generation) => {
      expect(generation.format).toBe(4)
      return { ...generation, format: 5 }
    })
    await expect(openLog()).rejects.toThrow('the log has format 5, this release reads formats 3 to 4. Open it with the release that wrote it')
  })
})
