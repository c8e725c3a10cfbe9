import { describe, expect, it } from 'vitest'
import { CodecError, type Codec } from '../../src/ports/codec.ts'
import { EnvironmentError } from '../../src/runtime/errors.ts'
import { Input } from '../../src/runtime/input.ts'
import { seen } from '../support/fixture-processors.ts'
import { codec, logKinds } from './logs.ts'

describe.each(logKinds)('Input on the $name', ({ open }) => {
  it('gives every message once, in order, however little is read at a time', async () => {
    await using log = await open(1)
    const store = await log.openTask('w')
    const append = { topic: 'raw', partition: 0, key: null, timestamp: 0 } as const
    await store.commit({ appends: [1, 2, 3].map((i) => ({ ...append, value: codec.encode('raw', [seen(`id${i}`)]) })), state: new Map() })
    for (const maxBytes of [1, 30, 1e9]) {
      const input = new Input(log, codec, 'raw', 0, maxBytes)
      const found = []
      for (let offset = 0, next = await input.take(0); next !== null; next = await input.take(offset)) {
        offset = next.message.offset + 1
        found.push('chunk' in next ? Array.from({ length: next.chunk.count }, (_, i) => next.chunk.record(i)) : next.undecodable)
      }
      expect(found).toEqual([[seen('id1')], [seen('id2')], [seen('id3')]])
      await store.commit({ appends: [], state: new Map() })
    }
  })

  it('tells data that can’t be decoded from a codec that can’t work', async () => {
    await using log = await open(1)
    const store = await log.openTask('w')
    await store.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 0, value: Uint8Array.of(9) }], state: new Map() })
    const decoded = await new Input(log, codec, 'raw', 0, 1e9).take(0)
    expect(decoded).toMatchObject({ undecodable: expect.any(CodecError) as CodecError })
    const down: Codec = {
      encode: (...of) => codec.encode(...of),
      encodeRecord: (...of) => codec.encodeRecord(...of),
      decodeRecord: (...of) => codec.decodeRecord(...of),
      frame: (...of) => codec.frame(...of),
      decode() {
        throw new Error('registry unreachable')
      },
    }
    const failed = new Input(log, down, 'raw', 0, 1e9).take(0)
    await expect(failed).rejects.toThrow(EnvironmentError)
    await expect(failed).rejects.toThrow(/raw\/0\/0: the codec could not work: registry unreachable/)
  })
})
