import { readFile } from 'node:fs/promises'
import { expect, it, vi } from 'vitest'
import { Turn, Turns } from '../../src/runtime/turns.ts'

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

it('a turn that goes on is as long as the first', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000)
  try {
    const turn = new Turn(new Turns())
    await turn.begin()
    for (const from of [1_000, 1_020, 1_030]) {
      now.mockReturnValue(from + 5)
      expect(turn.isOver).toBe(false)
      now.mockReturnValue(from + 10)
      expect(turn.isOver).toBe(true)
      now.mockReturnValue(from === 1_000 ? 1_020 : 1_030)
      await turn.goOn()
      expect(turn.isOver).toBe(false)
    }
  } finally {
    now.mockRestore()
  }
})

it('who is not done goes on before all who wait, and input and output get on meanwhile', async () => {
  const turns = new Turns()
  const told: string[] = []
  let reads = 0
  let begun = 0
  let isOver = false
  const reading = (async () => {
    for (; !isOver; reads++) await readFile(import.meta.filename)
  })()
  const work = async (name: string): Promise<void> => {
    const turn = new Turn(turns)
    await turn.begin()
    for (let i = 0; i < 20; i++) {
      told.push(name)
      for (const until = performance.now() + 8; performance.now() < until; );
      expect(turn.isOver).toBe(true)
      await turn.goOn()
      if (!turn.isOver) begun++
    }
  }
  await Promise.all(['a', 'b', 'c'].map(work))
  isOver = true
  await reading
  // whoever stopped this process for a while may have had the whole of a turn
  expect(begun).toBeGreaterThan(60 / 2)
  expect(told.join('')).toBe('a'.repeat(20) + 'b'.repeat(20) + 'c'.repeat(20))
  expect(reads).toBeGreaterThan(60 / 8)
})
