import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { topicNames, topics, type AnyRecord, type RecordOf, type Topic } from '../../schemas/wire/topics.ts'
import { avroSchema } from '../../schemas/generate.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import { CodecError, type Codec } from '../../src/ports/codec.ts'
import { recordOf, recordOfType, recordTypes } from '../support/arbitraries.ts'
import { opened } from './codec-opened.ts'

/** What the codec port promises; every adapter runs it. */
export interface CodecFixture {
  codec: Codec
  /** A codec over the same schema store which writes `topic` with another (older) Avro schema, as an earlier release did. */
  writing(topic: Topic, avro: unknown): Promise<Codec>
  /** What a log does with a message that it has read, before it is decoded. */
  meet(message: Uint8Array): Promise<void>
}

const FRAME = 5
type Field = { name: string; type: unknown; default?: unknown }
type Branch = { name: string; fields: Field[] }

export function codecContract(adapter: string, open: () => Promise<CodecFixture>): void {
  describe(`codec: ${adapter}`, () => {
    let fixture: CodecFixture
    let codec: Codec
    beforeEach(async () => {
      fixture = await open()
      codec = fixture.codec
    })

    describe.each(topicNames)('topic %s', (topic) => {
      const records = fc.array(recordOf(topic), topics[topic].chunked ? { maxLength: 5 } : { minLength: 1, maxLength: 1 })

      it('decodes what it encoded, in order', () => {
        fc.assert(
          fc.property(records, (some) => {
            expect(codec.decode(topic, codec.encode(topic, some))).toStrictEqual(some)
          }),
          { numRuns: 60 },
        )
      })

      opened(topic, records, () => codec)

      it('frames records that were encoded one by one as it encodes them together', () => {
        fc.assert(
          fc.property(records, (some) => {
            expect(codec.frame(topic, some.map((record) => codec.encodeRecord(topic, record)))).toEqual(codec.encode(topic, some))
          }),
          { numRuns: 40 },
        )
      })

      it.each(recordTypes(topic))('carries %s alone', (type) => {
        fc.assert(
          fc.property(recordOfType(topic, type), (record) => {
            const bytes = codec.encodeRecord(topic, record)
            expect(codec.decodeRecord(topic, bytes)).toStrictEqual(record)
            expect(codec.decode(topic, codec.encode(topic, [record]))).toStrictEqual([record])
          }),
          { numRuns: 25 },
        )
      })

      it('gives equal bytes for equal records, whatever order their fields and map keys were set in', () => {
        fc.assert(
          fc.property(records, (some) => {
            expect(codec.encode(topic, some.map(reversed))).toEqual(codec.encode(topic, some))
            for (const record of some) expect(codec.encodeRecord(topic, reversed(record))).toEqual(codec.encodeRecord(topic, record))
          }),
          { numRuns: 40 },
        )
      })

      it('frames a message: 0x00, then the same 4 bytes of schema id for all of the topic', () => {
        const ids = new Set(
          fc.sample(records, 10).map((some) => {
            const message = Buffer.from(codec.encode(topic, some))
            expect(message[0]).toBe(0)
            return message.readUInt32BE(1)
          }),
        )
        expect(ids.size).toBe(1)
      })

      it('refuses every truncation of a message, and what follows its end', () => {
        const message = codec.encode(topic, [fc.sample(recordOf(topic), { seed: 7, numRuns: 1 })[0]!])
        for (let length = 0; length < message.length; length++) {
          expect(() => codec.decode(topic, message.subarray(0, length)), `${length} of ${message.length} bytes`).toThrow(CodecError)
        }
        expect(() => codec.decode(topic, Uint8Array.of(...message, 0))).toThrow(CodecError)
      })

      it('opens damage with a number that is too long exactly where it decodes it', () => {
        const message = codec.encode(topic, [fc.sample(recordOf(topic), { seed: 11, numRuns: 1 })[0]!])
        for (let at = FRAME; at < message.length; at += 3) {
          const damaged = Uint8Array.of(...message.subarray(0, at), ...new Uint8Array(200).fill(0x80), ...message.subarray(at))
          const opened = outcome(() => (codec.open === undefined ? codec.decode(topic, damaged) : codec.open(topic, damaged)))
          expect(opened instanceof CodecError, `at ${at}`).toBe(outcome(() => codec.decode(topic, damaged)) instanceof CodecError)
        }
      })

      it('answers damage with CodecError or with records, in bounded time', () => {
        const message = codec.encode(topic, [fc.sample(recordOf(topic), { seed: 11, numRuns: 1 })[0]!])
        fc.assert(
          fc.property(fc.nat(message.length - FRAME - 1), fc.uint8Array({ minLength: 1, maxLength: 9 }), (at, damage) => {
            const damaged = Uint8Array.from(message)
            damaged.set(damage.subarray(0, message.length - FRAME - at), FRAME + at)
            const opened = outcome(() => codec.open?.(topic, damaged))
            const decoded = outcome(() => codec.decode(topic, damaged))
            if (codec.open !== undefined) expect(opened instanceof CodecError).toBe(decoded instanceof CodecError)
            if (!(decoded instanceof CodecError)) expect(Array.isArray(decoded)).toBe(true)
          }),
          { numRuns: 300 },
        )
      })
    })

    it('carries every safe integer exactly', () => {
      const limits = [0, 1, 2 ** 30, 2 ** 51, 2 ** 52, 2 ** 52 + 1, 2 ** 53 - 2, 2 ** 53 - 1].flatMap((n) => [n - 1, n, -n, -n + 1])
      const ticks = limits.filter((n) => Number.isSafeInteger(n)).map((n) => ({ type: 'Tick' as const, at: n + 0 }))
      expect(codec.decode('raw', codec.encode('raw', ticks))).toEqual(ticks)
      fc.assert(
        fc.property(fc.maxSafeInteger(), (at) => {
          expect(codec.decode('raw', codec.encode('raw', [{ type: 'Tick', at }]))).toEqual([{ type: 'Tick', at }])
        }),
      )
    })

    it('shares no memory between a message and what was made of it', () => {
      const part: RecordOf<'raw'> = { type: 'Part', id: 'p', part: 0, of: 1, bytes: Uint8Array.of(1, 2, 3) }
      const message = codec.encode('raw', [part])
      const copy = Uint8Array.from(message)
      codec.encode('raw', [{ type: 'Tick', at: 9 }])
      expect(message).toEqual(copy)
      const [decoded] = codec.decode('raw', message)
      message.fill(0xff)
      expect(decoded).toStrictEqual(part)
    })

    it('takes bytes in any kind of Uint8Array', () => {
      const bytes = Buffer.from('..inner..').subarray(2, 7)
      const [part] = codec.decode('raw', codec.encode('raw', [{ type: 'Part', id: 'p', part: 0, of: 1, bytes }]))
      expect(part).toStrictEqual({ type: 'Part', id: 'p', part: 0, of: 1, bytes: new TextEncoder().encode('inner') })
    })

    it('reads a message that lies inside a larger buffer', () => {
      const message = codec.encode('raw', [{ type: 'Tick', at: 5 }])
      const around = new Uint8Array(message.length + 20).fill(0x7f)
      around.set(message, 10)
      expect(codec.decode('raw', around.subarray(10, 10 + message.length))).toEqual([{ type: 'Tick', at: 5 }])
    })

    it('carries an empty chunk, and many records in one', () => {
      expect(codec.decode('raw', codec.encode('raw', []))).toEqual([])
      const ticks = Array.from({ length: 20_000 }, (_, at) => ({ type: 'Tick' as const, at }))
      expect(codec.decode('facts', codec.encode('facts', ticks))).toEqual(ticks)
    })

    it('carries a record of 10 MB and a small one after it', () => {
      const part: RecordOf<'facts'> = { type: 'Part', id: 'p', part: 0, of: 1, bytes: new Uint8Array(10_000_000).fill(7) }
      const [big, small] = codec.decode('facts', codec.encode('facts', [part, { type: 'Tick', at: 1 }]))
      expect(Buffer.compare((big as typeof part).bytes, part.bytes)).toBe(0)
      expect(small).toEqual({ type: 'Tick', at: 1 })
    })

    it('carries map keys that are names of Object.prototype', () => {
      const values = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}') as Record<string, string>
      const record = withValues(values)
      const [decoded] = codec.decode('raw', codec.encode('raw', [record]))
      expect(Object.entries((decoded as typeof record).attributes!.values).sort()).toEqual([['__proto__', 'a'], ['constructor', 'b'], ['toString', 'c']])
    })

    it('reads arrays in several blocks, with and without their size, as other writers cut them', () => {
      const message = Buffer.from(codec.encode('raw', [{ type: 'Tick', at: 1 }, { type: 'Tick', at: 2 }]))
      const items = message.subarray(FRAME + 1, message.length - 1)
      const half = items.length / 2
      const cut = Buffer.concat([
        message.subarray(0, FRAME), Buffer.from([2]), items.subarray(0, half), Buffer.from([1, half * 2]), items.subarray(half), Buffer.from([0]),
      ])
      expect(codec.decode('raw', cut)).toEqual([{ type: 'Tick', at: 1 }, { type: 'Tick', at: 2 }])
    })

    it('opens a message that is cut into very many blocks in about the time of one that is not', () => {
      const ticks = Array.from({ length: 100_000 }, (_, at) => ({ type: 'Tick', at }) as const)
      const message = Buffer.from(codec.encode('raw', ticks))
      const cut = Buffer.concat([message.subarray(0, FRAME), ...ticks.map((tick) => Buffer.concat([Buffer.of(2), codec.encodeRecord('raw', tick)])), Buffer.of(0)])
      const msOf = (of: Buffer): number => {
        const begin = performance.now()
        expect(codec.open?.('raw', of).count).toBe(codec.open === undefined ? undefined : ticks.length)
        return performance.now() - begin
      }
      msOf(message)
      expect(msOf(cut)).toBeLessThan(20 * Math.max(10, msOf(message)))
    })

    it('opens lists that it has read before as it opened them then', () => {
      fc.assert(
        fc.property(fc.array(recordOfType('facts', 'AccountFact'), { minLength: 1, maxLength: 3 }), (some) => {
          const records = some
          const message = codec.encode('facts', records)
          const ends = (): number[][] | undefined => {
            const chunk = codec.open?.('facts', message)
            return chunk && records.map((_record, i) => [...Array.from(chunk.encoded(i)?.ends ?? [])])
          }
          const before = ends()
          for (let i = 0; i < 2; i++) codec.decode('facts', message)
          expect(ends()).toEqual(before)
          const chunk = codec.open?.('facts', message)
          if (chunk !== undefined) expect(records.map((_record, i) => chunk.record(i))).toEqual(records)
        }),
        { numRuns: 40 },
      )
    })

    it('writes lists that are frozen and come again as it writes others, and reads them again as they were', () => {
      const reason = recordOfType('facts', 'Desired').map((record) => (record as RecordOf<'facts'> & { type: 'Desired' }).entries.flatMap(({ reasons }) => reasons))
      fc.assert(
        fc.property(recordOfType('facts', 'Desired'), fc.array(reason, { minLength: 1, maxLength: 7 }), fc.array(fc.nat(6), { maxLength: 30 }), (any, lists, order) => {
          const desired = any as RecordOf<'facts'> & { type: 'Desired' }
          const frozen = lists.map((list) => deepFreeze(structuredClone(list)))
          const entries = order.map((n, i) => ({ app: 'a', entitlement: String(i), from: i, until: null, reasons: frozen[n % frozen.length]! }))
          const record = { ...desired, entries }
          const bytes = Buffer.from(codec.encodeRecord('facts', record))
          expect(Buffer.from(codec.encodeRecord('facts', structuredClone(record)))).toEqual(bytes)
          expect(codec.decode('facts', codec.frame('facts', [bytes, bytes]))).toEqual([record, record])
        }),
      )
    })

    describe('refuses to write, naming the field and not its value', () => {
      it.each([
        ['half of a surrogate pair', withValues({ mail: 'secret\ud800' }), /attributes\.values\.mail .*surrogate/],
        ['half of a surrogate pair in a long string', withValues({ mail: `${'x'.repeat(100)}\udc00` }), /attributes\.values\.mail .*surrogate/],
        ['half of a surrogate pair in a map key', withValues({ 'secret\ud800': 'v' }), /attributes\.values/],
        ['a fraction', { type: 'Tick', at: 1.5 }, /at should be long/],
        ['an integer beyond 2^53', { type: 'Tick', at: 2 ** 53 }, /at should be long/],
        ['a missing field', { type: 'Tick' }, /at should be long and is absent/],
        ['a symbol that the enum lacks', { ...withValues({}), attributes: { ...withValues({}).attributes, kind: 'robot' } }, /attributes\.kind/],
        ['bytes that are none', { type: 'Part', id: 'p', part: 0, of: 1, bytes: 'secret' }, /bytes should be bytes/],
        ['a type of another topic', { type: 'Finding' }, /"Finding".*this topic does not hold/],
      ])('%s', (_name, record, message) => {
        const write = (): unknown => codec.encode('raw', [{ type: 'Tick', at: 1 }, record as RecordOf<'raw'>])
        expect(write).toThrow(CodecError)
        expect(write).toThrow(/^raw: record 1 /)
        expect(write).toThrow(message)
        expect(write).not.toThrow(/secret/)
      })

      it('and goes on with the next message', () => {
        expect(() => codec.encode('raw', [withValues({ mail: '\ud800' })])).toThrow(CodecError)
        expect(codec.decode('raw', codec.encode('raw', [{ type: 'Tick', at: 3 }]))).toEqual([{ type: 'Tick', at: 3 }])
      })
    })

    it('refuses a message of none or several records where a topic holds one', () => {
      const [finding] = fc.sample(recordOf('findings'), 1)
      expect(() => codec.encode('findings', [])).toThrow(CodecError)
      expect(() => codec.encode('findings', [finding!, finding!])).toThrow(/findings: .*one record, not 2/)
    })

    describe('refuses to read, saying which topic and what', () => {
      const tick: AnyRecord = { type: 'Tick', at: 1 }
      it.each([
        ['no bytes', () => new Uint8Array(), /raw: .*0 bytes/],
        ['another frame', () => Uint8Array.of(1, ...codec.encode('raw', [tick]).subarray(1)), /raw: .*frame/],
        ['JSON', () => new TextEncoder().encode('{"type":"Tick"}'), /raw: .*frame/],
        ['an unknown schema', () => Uint8Array.of(0, 0x7f, 0xff, 0xff, 0xfe, 0), /raw: .*schema 2147483646/],
        ['a message of another topic', () => codec.encode('facts', [tick]), /raw: .*facts/],
        ['a branch that the schema lacks', () => Uint8Array.of(...codec.encode('raw', [tick]).subarray(0, FRAME), 2, 126, 0), /branch 63/],
        ['a count that the bytes cannot hold', () => Uint8Array.of(...codec.encode('raw', [tick]).subarray(0, FRAME), 0xfe, 0xff, 0xff, 0x7f), /items announced/],
      ])('%s', async (_name, bytes, message) => {
        await fixture.meet(bytes())
        expect(() => codec.decode('raw', bytes())).toThrow(CodecError)
        expect(() => codec.decode('raw', bytes())).toThrow(message)
      })

      it.each([0, 1, 4, 7, 8, 9, 12].flatMap((more) => [0x00, 0x01, 0x1f, 0x20, 0x7f].map((last) => [more, last] as const)))(
        'numbers of %i bytes too many that end with %i exactly where it opens none', (more, last) => {
          const tick = Buffer.from(codec.encode('raw', [{ type: 'Tick', at: 5 }]))
          // the number is all that follows the type, but for the end of the chunk
          const overlong = Buffer.concat([tick.subarray(0, -2), Buffer.of(0x8a), Buffer.alloc(more, 0x80), Buffer.of(last), tick.subarray(-1)])
          const decoded = outcome(() => codec.decode('raw', overlong))
          const opened = outcome(() => codec.open?.('raw', overlong))
          if (codec.open !== undefined) expect(opened instanceof CodecError).toBe(decoded instanceof CodecError)
        },
      )

      it('text that is not UTF-8', () => {
        const message = Buffer.from(codec.encode('dead-letters', [{ ...fc.sample(recordOf('dead-letters'), 1)[0]!, reason: 'reason-marker' }]))
        const at = message.indexOf('reason-marker')
        message[at] = 0xff
        expect(() => codec.decode('dead-letters', message)).toThrow(/not UTF-8/)
        message.write('�', at)
        expect(codec.decode('dead-letters', message)[0]!.reason).toBe('�son-marker')
      })
    })

    describe('a message of an older schema', () => {
      const older = async <T extends Topic>(topic: T, change: (branch: Branch) => Branch | null, records: RecordOf<T>[]): Promise<RecordOf<T>[]> => {
        const message = (await fixture.writing(topic, changed(topic, change))).encode(topic, records)
        await fixture.meet(message)
        return codec.decode(topic, message)
      }

      it('is read as today’s: a nullable field that came later is null', async () => {
        const record = withValues({ mail: 'a@example.com' })
        const read = await older('raw', (branch) => withoutField(branch, 'Account', 'credentials'), [record, { type: 'Tick', at: 4 }])
        expect(read).toStrictEqual([{ ...record, credentials: null }, { type: 'Tick', at: 4 }])
      })

      it('is read where a record type came later and moved the branches', async () => {
        const records: RecordOf<'facts'>[] = [{ type: 'Tick', at: 4 }, { type: 'Epoch', processor: 'p', version: 1, stateFormat: 2, release: 'r', from: { offset: 0, index: 0 }, resumed: null }]
        expect(await older('facts', (branch) => (branch.name === 'Held' ? null : branch), records)).toStrictEqual(records)
      })

      it('is read where a field went away', async () => {
        const withFormer = (branch: Branch): Branch =>
          branch.name === 'Tick'
            ? { ...branch, fields: [branch.fields[0]!, { name: 'former', type: { type: 'array', items: 'string' } }, branch.fields[1]!] }
            : branch
        const record = { type: 'Tick' as const, former: ['x', 'y'], at: 4 }
        expect(await older('raw', withFormer, [record, record])).toStrictEqual([{ type: 'Tick', at: 4 }, { type: 'Tick', at: 4 }])
      })

      it('is read where only the documentation differs, by the very same schema', async () => {
        const other = await fixture.writing('raw', changed('raw', (branch) => ({ ...branch, doc: 'other words' })))
        const records: RecordOf<'raw'>[] = [{ type: 'Tick', at: 4 }]
        expect(other.encode('raw', records)).toEqual(codec.encode('raw', records))
      })

      it('is refused record by record where today’s has no place for it', async () => {
        const tocks = (branch: Branch): Branch => (branch.name === 'Tick' ? renamed(branch, 'Tock') : branch)
        const tock = { type: 'Tock', at: 1 } as unknown as RecordOf<'raw'>
        expect(await older('raw', tocks, [withValues({})])).toHaveLength(1)
        await expect(older('raw', tocks, [withValues({}), tock])).rejects.toThrow(/raw: .*record 1.*Tock/)
        await expect(older('raw', tocks, [tock])).rejects.toThrow(CodecError)
      })
    })
  })
}

/** What it answers, or the CodecError that it throws; anything else it throws goes on. */
function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof CodecError) return error
    throw error
  }
}

/** Today's schema of a chunked topic, with each branch mapped; null drops it. */
function changed(topic: Topic, change: (branch: Branch) => Branch | null): unknown {
  const chunk = structuredClone(avroSchema(topic)) as { fields: { type: { items: Branch[] } }[] }
  const array = chunk.fields[0]!.type
  array.items = array.items.flatMap((branch) => change(branch) ?? [])
  return chunk
}

const withoutField = (branch: Branch, name: string, field: string): Branch =>
  branch.name === name ? { ...branch, fields: branch.fields.filter((candidate) => candidate.name !== field) } : branch

const renamed = (branch: Branch, name: string): Branch => ({
  ...branch,
  name,
  fields: branch.fields.map((field) => (field.name === 'type' ? { ...field, type: { type: 'enum', name: `${name}Type`, symbols: [name] } } : field)),
})

function withValues(values: Record<string, string>): RecordOf<'raw'> & { type: 'Account' } {
  return {
    type: 'Account', app: 'billing', id: 'a1', native: 'A1', run: 1, observed: 2, valid: null, gone: false,
    attributes: { whole: true, kind: 'human', status: 'active', display: null, created: null, lastUsed: null, owner: null, values },
    memberships: null, grants: null, credentials: null,
  }
}

/** An equal value whose objects list their properties the other way round. */
function reversed<V>(value: V): V {
  if (Array.isArray(value)) return value.map(reversed) as V
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, reversed(item)])) as V
}
