import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../../src/ports/log.ts'
import type { PortableLog } from '../../src/ports/portable-log.ts'

/** What a log promises that can be carried elsewhere. Each case is one promise; every adapter runs them all. */
export interface PortableLogFixture {
  /** Opens the same log again each time; the one before it is closed. */
  open(): Promise<PortableLog>
  dispose(): Promise<void>
}

const bytes = (text: string): Uint8Array => Buffer.from(text)
const at = (offset: number): Message => ({ offset, key: offset % 2 === 0 ? null : `key ${offset}`, timestamp: 1_000 + offset, value: bytes(`message ${offset}`) })

export function portableLogContract(adapter: string, create: () => Promise<PortableLogFixture>): void {
  describe(`portable log: ${adapter}`, () => {
    let fixture: PortableLogFixture
    let log: PortableLog
    beforeEach(async () => {
      fixture = await create()
      log = await fixture.open()
    })
    afterEach(async () => {
      await log.close()
      await fixture.dispose()
    })
    const reopen = async (): Promise<void> => {
      await log.close()
      log = await fixture.open()
    }
    const readAll = async (from = 0): Promise<Message[]> => {
      const found = await log.read('facts', 1, from, { maxMessages: 1_000, maxBytes: 1e8 })
      const last = found.at(-1)
      return last === undefined ? [] : [...found.map((message) => ({ ...message, value: Buffer.from(message.value) })), ...(await readAll(last.offset + 1))]
    }

    it('messages stand at the offsets that they had, with key and time, whatever lay between them', async () => {
      const filling = await log.fill('an export')
      const wanted = [0, 1, 2, 4, 5, 8, 14].map(at)
      await filling.add('facts', 1, wanted.slice(0, 4))
      expect(await log.end('facts', 1)).toBe(5)
      await filling.add('facts', 1, wanted.slice(4))
      await filling.finish('the id')
      await reopen()
      expect(await readAll()).toEqual(wanted)
      expect(await log.read('facts', 1, 9, { maxMessages: 1, maxBytes: 1 })).toMatchObject([{ offset: 14 }])
      expect(await log.end('facts', 1)).toBe(15)
      expect(await log.end('facts', 0)).toBe(0)
    })

    it('a partition may end beyond its last message, and may begin late: what is appended afterwards comes at its end', async () => {
      const filling = await log.fill('an export')
      await filling.extend('facts', 1, 1)
      await filling.add('facts', 1, [at(3)])
      await filling.extend('facts', 1, 6)
      await filling.extend('raw', 0, 20_003)
      await filling.finish('the id')
      await reopen()
      expect([await log.end('facts', 1), await log.end('raw', 0)]).toEqual([6, 20_003])
      const task = await log.openTask('publisher/somebody')
      const { offsets } = await task.commit({ appends: [{ topic: 'facts', partition: 1, key: null, timestamp: 1, value: bytes('next') }], state: new Map() })
      expect(offsets).toEqual([6])
      expect((await readAll()).map(({ offset }) => offset)).toEqual([3, 6])
      expect(await log.read('raw', 0, 0, { maxMessages: 10, maxBytes: 1e6 })).toEqual([])
    })

    it('a filling that was cut off is told until it is finished, and goes on where it stood', async () => {
      const filling = await log.fill('an export')
      await filling.add('facts', 1, [at(0), at(1)])
      await reopen()
      expect(log.filling).toBe('an export')
      expect(log.id).not.toBe('the id')
      expect(await log.end('facts', 1)).toBe(2)
      const again = await log.fill('an export')
      await again.add('facts', 1, [at(3)])
      await again.finish('the id')
      expect([log.filling, log.id]).toEqual([null, 'the id'])
      await reopen()
      expect([log.filling, log.id]).toEqual([null, 'the id'])
      expect((await readAll()).map(({ offset }) => offset)).toEqual([0, 1, 3])
    })

    it('names the tasks that have state', async () => {
      for (const id of ['task/normalise/2', 'publisher/settings', 'publisher/app/billing']) {
        await (await log.openTask(id)).commit({ appends: [], state: new Map([['a/b', bytes(id)]]) })
      }
      await reopen()
      expect(await log.taskIds()).toEqual(expect.arrayContaining(['publisher/app/billing', 'publisher/settings', 'task/normalise/2']))
      expect(await log.others()).toBeNull()
    })
  })
}
