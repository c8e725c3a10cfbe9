import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Stops } from '../../src/runtime/stops.ts'

const never = 60_000

test('what was begun last ends first, one after the other', async () => {
  const ended: string[] = []
  const stops = new Stops(() => undefined, never)
  stops.push('the log', async () => void ended.push('log'))
  stops.push('the tables', async () => {
    await sleep(20)
    ended.push('tables')
  })
  await stops.run()
  expect(ended).toEqual(['tables', 'log'])
})

test('a step that fails keeps no other from being done, and the first error is thrown', async () => {
  const ended: string[] = []
  const stops = new Stops(() => undefined, never)
  stops.push('the log', async () => void ended.push('log'))
  stops.push('the tables', () => Promise.reject(new Error('tables')))
  stops.push('the sources', () => Promise.reject(new Error('sources')))
  await expect(stops.run()).rejects.toThrow('sources')
  expect(ended).toEqual(['log'])
})

test('nothing is ended twice', async () => {
  let ends = 0
  const stops = new Stops(() => undefined, never)
  stops.push('the log', async () => {
    ends++
  })
  await Promise.all([stops.run(), stops.run()])
  expect(ends).toBe(1)
})

test('what takes long is named for as long as it does', async () => {
  const told: string[] = []
  const slow = Promise.withResolvers<null>()
  const stops = new Stops((what) => {
    told.push(what)
    if (told.length === 3) slow.resolve(null)
  }, 5)
  stops.push('the log', async () => undefined)
  stops.push('the sources', async () => {
    await slow.promise
  })
  await stops.run()
  await sleep(30)
  expect(told).toEqual(['the sources', 'the sources', 'the sources'])
})
