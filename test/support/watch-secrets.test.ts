import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { resolveSecret } from '../../src/connect/secrets.ts'
import { Lab } from '../connect/lab.ts'
import { leaks } from './secret-watch.ts'

const secret = 'a-secret-that-this-test-gives-away'

it('finds a secret in a record, in a state and in a file of a data directory, and in no other file', async () => {
  ;(await resolveSecret('env:GIVEN_AWAY', { env: { GIVEN_AWAY: secret }, baseDir: '.' })).reveal()
  const lab = new Lab(1)
  const source = await lab.source()
  const ruling = { type: 'Ruling' as const, source: 'app', kind: 'baseline' as const, by: 'A. Kaya', run: null, at: 0 }
  await source.publish([{ topic: 'raw', key: null, record: { ...ruling, reason: 'nothing to hide' } }])
  expect(leaks).toEqual([])
  await source.publish([{ topic: 'raw', key: null, record: { ...ruling, reason: `because of ${secret}` } }], new Map([['cursor', secret]]))
  lab.dispose()

  const directory = mkdtempSync(join(tmpdir(), 'grantline-watch-'))
  mkdirSync(join(directory, 'data', 'spool'), { recursive: true })
  writeFileSync(join(directory, 'token'), secret)
  writeFileSync(join(directory, 'data', 'spool', 'page'), `…${secret}…`)
  rmSync(join(directory, 'data'), { recursive: true })
  mkdirSync(join(directory, 'data', 'log'), { recursive: true })
  writeFileSync(join(directory, 'data', 'log', 'log.mdb'), secret)
  await rm(directory, { recursive: true })
  expect(leaks.splice(0)).toEqual([
    'topic raw holds the secret a-se…', expect.stringMatching(/^state .*cursor holds/), `${join(directory, 'data', 'spool', 'page')} holds the secret a-se…`,
    `${join(directory, 'data', 'log', 'log.mdb')} holds the secret a-se…`,
  ])
})
