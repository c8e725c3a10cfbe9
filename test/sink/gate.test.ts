import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Gate } from '../../src/sink/gate.ts'
import { Landed } from '../../src/sink/landed.ts'

it('lets no more in than fits, first come, first served, whatever fails', async () => {
  const gate = new Gate(5)
  let inside = 0
  let most = 0
  const order: number[] = []
  const results = await Promise.allSettled(
    Array.from({ length: 9 }, (_, i) =>
      gate.pass(2, async () => {
        order.push(i)
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setTimeout(resolve, 2))
        inside--
        if (i % 3 === 0) throw new Error(String(i))
        return i
      }),
    ),
  )
  expect(most).toBe(2)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([false, true, true, false, true, true, false, true, true])
  expect(await gate.pass(5, async () => 'free again')).toBe('free again')
})

it('lets others in as soon as somebody keeps less than was asked for, and nobody past one that does not fit yet', async () => {
  const gate = new Gate(10)
  const entered: string[] = []
  const come = (name: string, bytes: number, kept: number): (() => Promise<void>) => {
    let leave: () => void = () => undefined
    const told = new Promise<void>((resolve) => (leave = resolve))
    const passed = gate.pass(bytes, async (keep) => {
      entered.push(name)
      keep(kept)
      await told
    })
    return async () => {
      leave()
      await passed
    }
  }
  const [leave, leaveToo, stay] = ['a', 'b', 'c'].map((name) => come(name, 8, 1))
  const leaveLarge = come('large', 8, 8)
  const leaveSmall = come('small', 1, 1)
  await setImmediate()
  expect(entered).toEqual(['a', 'b', 'c'])
  await leave!()
  await setImmediate()
  expect(entered).toEqual(['a', 'b', 'c', 'large'])
  await leaveToo!()
  await setImmediate()
  expect(entered).toEqual(['a', 'b', 'c', 'large', 'small'])
  await Promise.all([stay!(), leaveLarge(), leaveSmall()])
})

it('tells each waiter when its offset has landed, and the others that it never will', async () => {
  const landed = new Landed()
  const told: string[] = []
  const three = landed.reached(3).then(() => told.push('three'))
  const nine = landed.reached(9).catch((error: unknown) => told.push(String(error)))
  landed.raise(2)
  await landed.reached(2)
  expect(told).toEqual([])
  landed.raise(5)
  landed.raise(4)
  await three
  expect(landed.offset).toBe(5)
  landed.end(new Error('stopped'))
  landed.end(new Error('later'))
  await nine
  expect(told).toEqual(['three', 'Error: stopped'])
  await expect(landed.reached(6)).rejects.toThrow('stopped')
  await landed.reached(5)
})
