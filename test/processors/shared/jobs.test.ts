import { expect, test } from 'vitest'
import { Jobs } from '../../../processors/shared/jobs.ts'
import { MemoryState } from './memory-state.ts'

interface Job {
  name: string
  left: number
}

/** Does the queued jobs with slices of `budget`; answers what was done, and how many slices it took. */
function drain(state: MemoryState, budget: number, then?: (jobs: Jobs<Job>, job: Job) => void): { done: string[]; slices: number } {
  const done: string[] = []
  for (let slices = 1; ; slices++) {
    const jobs = new Jobs<Job>(state)
    const more = jobs.run(budget, (job, rows) => {
      const spent = Math.min(rows, job.left)
      for (let n = 0; n < spent; n++) done.push(`${job.name}${job.left - n}`)
      if (job.left === spent) then?.(jobs, job)
      return { job: job.left === spent ? null : { ...job, left: job.left - spent }, spent }
    })
    if (!more) return { done, slices }
  }
}

test('are done in the order of queueing, the same for any budget, and leave nothing behind', () => {
  const results = [1, 2, 3, 100].map((budget) => {
    const state = new MemoryState()
    const jobs = new Jobs<Job>(state)
    for (const [n, name] of ['a', 'b', 'c'].entries()) jobs.push({ name, left: n + 1 })
    const { done, slices } = drain(state, budget)
    expect([state.keys('jobs'), state.keys('job-queue')]).toEqual([[], []])
    expect(slices).toBeGreaterThanOrEqual(Math.ceil(6 / budget))
    return done
  })
  for (const done of results) expect(done).toEqual(['a1', 'b2', 'b1', 'c3', 'c2', 'c1'])
})

test('a job that another one queues comes last', () => {
  const state = new MemoryState()
  const jobs = new Jobs<Job>(state)
  jobs.push({ name: 'a', left: 1 })
  jobs.push({ name: 'b', left: 1 })
  const { done } = drain(state, 1, (queue, { name }) => {
    if (name === 'a') queue.push({ name: 'z', left: 1 })
  })
  expect(done).toEqual(['a1', 'b1', 'z1'])
})

test('more than ten keep their order', () => {
  const state = new MemoryState()
  const jobs = new Jobs<Job>(state)
  for (let n = 0; n < 12; n++) jobs.push({ name: `j${n}.`, left: 1 })
  expect(drain(state, 5).done).toEqual(Array.from({ length: 12 }, (_, n) => `j${n}.1`))
})

test('an idle queue reads one row and writes none', () => {
  const state = new MemoryState()
  expect(new Jobs<Job>(state).run(10, () => { throw new Error('no job is queued') })).toBe(false)
  expect(state.written()).toEqual([])
})
