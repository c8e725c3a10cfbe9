import { expect, it } from 'vitest'
import type { Position } from '../../schemas/wire/common.ts'
import { walkCauses } from '../../src/http/explain.ts'
import type { TaskStore } from '../../src/ports/log.ts'
import { splitRecord } from '../../src/runtime/parts.ts'
import { definition, seen } from '../support/fixture-processors.ts'
import { codec, logKinds } from '../runtime/logs.ts'

const at = (offset: number, index = 0): Position => ({ topic: 'raw', partition: 1, offset, index })
const put = (store: TaskStore, ...values: Uint8Array[]): Promise<unknown> =>
  store.commit({ appends: values.map((value) => ({ topic: 'raw', partition: 1, key: null, timestamp: 0, value })), state: new Map() })

it.each(logKinds)('a cause that travelled in parts is told whole, on the $name, however far its parts lie apart', async ({ open }) => {
  await using log = await open(2)
  const store = await log.openTask('w')
  const big = definition('big', 'x'.repeat(600_000))
  const [first, ...others] = splitRecord('w', codec.encode('raw', [big]))
  await put(store, codec.encode('raw', [seen('a'), first!]))
  await put(store, ...Array.from({ length: 100 }, (_, n) => codec.encode('raw', [seen(`b${n}`)])))
  await put(store, codec.encode('raw', [others[0]!]), codec.encode('raw', [seen('c'), others[1]!]))
  const [step] = await walkCauses(log, codec, [at(102, 1)])
  expect(step).toMatchObject({ type: 'Definition', record: big })
  expect(await walkCauses(log, codec, [at(0), at(50), at(102)])).toMatchObject(['a', 'b49', 'c'].map((id) => ({ type: 'Seen', record: { id } })))
  // no record stands where another part does
  expect(await walkCauses(log, codec, [at(0, 1)])).toMatchObject([{ type: 'missing', says: expect.stringContaining('all parts') as string }])
})

it('a cause that is not there, or that nobody can read, is told as such', async () => {
  await using log = await logKinds[0]!.open(2)
  const store = await log.openTask('w')
  await put(store, Uint8Array.of(7), codec.encode('raw', [seen('a')]))
  const [unreadable, beyond, nameless, index] = await walkCauses(log, codec, [at(0), at(9), { ...at(0), topic: 'nowhere' }, at(1, 5)])
  expect([unreadable, beyond, nameless, index].map((step) => step?.type)).toEqual(['missing', 'missing', 'missing', 'missing'])
  expect(unreadable?.says).toMatch(/^raw: a message/)
  expect(beyond?.says).toContain('any more')
})
