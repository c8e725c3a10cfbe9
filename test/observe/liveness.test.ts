import { describe, expect, it } from 'vitest'
import { Liveness } from '../../src/observe/liveness.ts'
import type { PipelineProgress } from '../../src/runtime/pipeline.ts'

const task = (change: Partial<PipelineProgress> = {}): PipelineProgress => ({
  task: 'task/normalise/0', processor: 'normalise', topic: 'raw', partition: 0, offset: 5, index: 0, end: 9, now: 1, records: 5, deadLetters: 0, commits: 3,
  clockRefused: false, lagging: false, retries: 0, trouble: null, running: true, ...change,
})

describe('liveness', () => {
  it.each<[string, (step: number) => Partial<PipelineProgress>]>([
    ['commits', (step) => ({ commits: step })],
    ['reads on', (step) => ({ offset: step })],
    ['retries, since a new process could do no more', (step) => ({ retries: step, trouble: 'the broker is down' })],
    ['gets no ticks since the clock is refused, and has read all', () => ({ clockRefused: true, offset: 9 })],
  ])('a task is alive that %s', (_name, change) => {
    const liveness = new Liveness(1_000)
    for (let step = 0; step < 5; step++) expect(liveness.stalled([task(change(step))], step * 900)).toEqual([])
  })

  it('a task that stands still for longer than allowed is named, until it moves on', () => {
    const liveness = new Liveness(1_000)
    expect(liveness.stalled([task()], 0)).toEqual([])
    expect(liveness.stalled([task()], 1_000)).toEqual([])
    expect(liveness.stalled([task(), task({ task: 'task/normalise/1' })], 2_001)).toEqual(['task/normalise/0 stands at offset 5 since 2 s'])
    expect(liveness.stalled([task({ commits: 4 })], 2_100)).toEqual([])
  })

  it('a restore that goes on is a sign of life', () => {
    const liveness = new Liveness(1_000)
    for (let at = 0; at < 5_000; at += 900) {
      expect(liveness.stalled([task()], at)).toEqual([])
      liveness.moved('task/normalise/0', at)
    }
  })

  it('a task that has ended is named at once; one that another process took over is forgotten', () => {
    const liveness = new Liveness(1_000)
    expect(liveness.stalled([task({ running: false })], 0)).toEqual(['task/normalise/0 has ended'])
    liveness.stalled([task()], 0)
    liveness.stalled([], 500)
    expect(liveness.stalled([task()], 5_000)).toEqual([])
  })
})
