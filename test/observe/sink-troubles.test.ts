import { expect, it } from 'vitest'
import { SinkTroubles } from '../../src/observe/sink-troubles.ts'

it('a sink that can’t insert is in trouble until it does, or until its next attempt would have failed', () => {
  const troubles = new SinkTroubles()
  const place = { topic: 'access' as const, partition: 2 }
  const failed = { ...place, event: 'failed' as const, error: new Error('table access_log at /data/tables lacks status'), attempt: 1, retryMs: 10_000 }
  expect(troubles.lines(0)).toEqual([])
  troubles.hear(failed, 0)
  troubles.hear({ ...place, event: 'claimed', epoch: 2, floor: 0, held: 5 }, 1)
  expect(troubles.lines(69_000)).toEqual(['sink of access/2: table access_log at /data/tables lacks status'])
  troubles.hear({ ...place, topic: 'lag', event: 'inserted', rows: 1, offset: 1 }, 2)
  expect(troubles.lines(69_000)).toHaveLength(1)
  troubles.hear({ ...place, event: 'inserted', rows: 1, offset: 1 }, 3)
  expect(troubles.lines(4)).toEqual([])
  troubles.hear(failed, 5)
  expect(troubles.lines(70_004)).toHaveLength(1)
  expect(troubles.lines(70_006)).toEqual([])
})
