import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { Turns } from '../../src/runtime/turns.ts'

it('between two of those who work, what waits for input and output gets on', async () => {
  const turns = new Turns()
  let reads = 0
  let isOver = false
  const reading = (async () => {
    for (; !isOver; reads++) await readFile(import.meta.filename)
  })()
  const told: { worker: number; reads: number }[] = []
  const work = async (worker: number): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await turns.take()
      told.push({ worker, reads })
      // long enough for what is read meanwhile to be there
      for (const until = performance.now() + 20; performance.now() < until; );
    }
  }
  await Promise.all([0, 1, 2].map(work))
  isOver = true
  await reading
  expect(told.map(({ worker }) => worker)).toEqual(Array.from({ length: 60 }, (_, i) => i % 3))
  // a file is opened, measured, read and closed: each of it takes a turn
  expect(told.at(-1)!.reads).toBeGreaterThan(60 / 8)
})
