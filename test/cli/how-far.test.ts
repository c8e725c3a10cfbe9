import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { sayHowFar } from '../../src/cli/terminal.ts'
import { writeCompany } from './company.ts'
import { Shell } from './shell.ts'

const told: string[] = []
const answers: string[] = []

beforeEach(() => {
  told.length = answers.length = 0
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.spyOn(console, 'error').mockImplementation((text: unknown) => void told.push(String(text)))
  vi.spyOn(console, 'log').mockImplementation((text: unknown) => void answers.push(String(text)))
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('how far long work is', () => {
  it('is a line every two seconds at most, beside the answer', () => {
    const say = sayHowFar()
    for (let done = 0; done <= 50; done++) {
      say({ place: 'judging facts/1 again', done, of: 50 })
      vi.advanceTimersByTime(100)
    }
    expect(answers).toEqual([])
    expect(told).toEqual(['  judging facts/1 again: 20 of 50', '  judging facts/1 again: 40 of 50'])
  })

  it('says what it does not know by leaving it out, and what else is worth a word', () => {
    const say = sayHowFar()
    vi.advanceTimersByTime(2_000)
    say({ place: 'raw/0', done: 7, of: 0 })
    vi.advanceTimersByTime(2_000)
    say({ place: 'reconcile over facts/0', done: 7, of: 9, besides: '120 records equal' })
    expect(told).toEqual(['  raw/0: 7', '  reconcile over facts/0: 7 of 9, 120 records equal'])
  })

  it('is said in words by replay and verify, and not among what they answer', async () => {
    vi.useRealTimers()
    const shell = new Shell()
    try {
      writeCompany(shell.directory)
      expect((await shell.grantline('run', '--once')).code).toBe(0)
      const until = new Date().toISOString()
      let now = Date.now()
      vi.spyOn(Date, 'now').mockImplementation(() => (now += 2_000))
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => answers.push(String(text)) > 0)
      const config = ['-c', join(shell.directory, 'grantline.yaml')]
      expect(await main(['replay', ...config, '--until', until, '--identity', 'I1', '-o', 'json'])).toBe(0)
      expect(JSON.parse(answers.join(''))).toMatchObject([{ account: 'ann' }])
      expect(await main(['verify', ...config])).toBe(0)
      expect(told.filter((line) => !/^known then: /.test(line) && !/^ {2}[a-z][^{]*\/\d[a-z ]*: \d+( of \d+)?(, \d+ records equal)?$/.test(line))).toEqual([])
      for (const part of ['looking for them in facts/', 'judging facts/', 'reconcile over facts/', 'table of access/']) expect(told.join('\n')).toContain(`  ${part}`)
    } finally {
      shell.close()
    }
  }, 120_000)
})
