import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeCompany } from './company.ts'
import { Shell } from './shell.ts'

let shell: Shell
beforeEach(() => {
  shell = new Shell()
  writeCompany(shell.directory)
})
afterEach(() => shell.close())

describe('grantline run that can\'t go on', { timeout: 120_000 }, () => {
  it('ends, says why, and leaves nothing held: with the tables of another log, until that one is back', async () => {
    const [log, kept] = [join(shell.directory, 'data/log'), join(shell.directory, 'kept')]
    expect((await shell.grantline('run', '--once')).code).toBe(0)
    renameSync(log, kept)
    for (const options of [['--once'], []]) {
      const refused = await shell.grantline('run', ...options)
      expect(refused.err).toMatch(/^the tables hold the rows of the log \S+, and this is the log \S+\. Restore the log that belongs to them, or begin with empty tables/m)
      expect(refused.code).toBe(1)
    }
    rmSync(log, { recursive: true })
    renameSync(kept, log)
    const again = await shell.grantline('run', '--once')
    expect(again.code).toBe(0)
    expect(again.out).toMatch(/\n2 findings open, 1 grants held/)
  })
})
