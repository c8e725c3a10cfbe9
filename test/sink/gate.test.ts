import { expect, it } from 'vitest'
import { Gate } from '../../src/sink/gate.ts'
import { Landed } from '../../src/sink/landed.ts'

it('lets no more in than its width, first come, first served, whatever fails', async () => {
  const gate = new Gate(2)
  let inside = 0
  let most = 0
  const order: number[] = []
  const results = await Promise.allSettled(
    Array.from({ length: 9 }, (_, i) =>
      gate.pass(async () => {
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
  expect(await gate.pass(async () => 'free again')).toBe('free again')
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
