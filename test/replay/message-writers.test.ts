import { expect, it } from 'vitest'
import { MessageWriters, mixed } from '../../src/replay/message-writers.ts'

it('knows of each message what was told, and nothing of the others', () => {
  const writers = new MessageWriters()
  expect(writers.get(0)).toBeUndefined()
  const told = [[5_000, 3], [5_001, mixed], [5_100, 4], [9_999, 700]] as const
  for (const [offset, writer] of told) writers.set(offset, writer)
  for (const [offset, writer] of told) expect(writers.get(offset)).toBe(writer)
  for (const offset of [0, 4_999, 5_002, 9_998, 10_000, 1e9]) expect(writers.get(offset)).toBeUndefined()
})
