import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeCompany } from './company.ts'
import { Shell } from './shell.ts'

let shell: Shell
beforeEach(() => {
  shell = new Shell()
  writeCompany(shell.directory, 3)
})
afterEach(() => shell.close())

describe('grantline run --threads', { timeout: 120_000 }, () => {
  it('finds what one thread finds, and what it recorded is what the input gives', async () => {
    const run = await shell.grantline('run', '--once', '--threads', '2')
    expect(run.err).not.toMatch(/^!/m)
    expect(run.code).toBe(0)
    expect(run.out).toMatch(/\n2 findings open, 1 grants held \(0 undecided\), 0 dead letters\n/)
    const again = await shell.grantline('run', '--once')
    expect(again.out).toMatch(/\n2 findings open, 1 grants held/)
    expect((await shell.grantline('verify')).out).toMatch(/\nverified: \d+ records and \d+ table rows are what the input gives\n/)
  })

  it.each([
    ['4', /^--threads 4: each thread has partitions of its own, and there are 3\. Ask for at most as many threads$/m],
    ['0', /expected a whole number from 1/],
  ])('%s is refused, saying why', async (threads, said) => {
    const { code, err } = await shell.grantline('run', '--once', '--threads', threads)
    expect(err).toMatch(said)
    expect(code).toBe(2)
  })
})
