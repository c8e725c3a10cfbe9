import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { HandOver, seenOf } from '../../src/connect/hand-over.ts'
import { ConnectError, type ErrorClass, type Platform } from '../../src/ports/connector.ts'
import { testPlatform } from '../support/test-platform.ts'

let dir: string
const concealed: string[] = []
let platform: Platform
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'grantline-hand-over-'))
  platform = { ...testPlatform({ baseDir: dir }), conceal: (value) => concealed.push(value) }
})
afterAll(() => rmSync(dir, { recursive: true }))

const subject = { account: '../ann', credential: 'key/1' }
const name = '..%2Fann@key%2F1'

it('makes a secret once, conceals it, and hands over that one, which its owner alone can read', async () => {
  const handOver = new HandOver('secrets', platform)
  const secret = await handOver.make(subject)
  expect([secret.length, concealed]).toEqual([43, [secret]])
  expect(await new HandOver('secrets', platform).make(subject)).toBe(secret)
  expect(await handOver.complete(subject, secret)).toBe('applied')
  expect(await handOver.complete(subject, secret)).toBe('already')
  expect(readdirSync(join(dir, 'secrets'))).toEqual([name])
  expect([readFileSync(join(dir, 'secrets', name), 'utf8'), statSync(join(dir, 'secrets', name)).mode & 0o777, statSync(join(dir, 'secrets')).mode & 0o777]).toEqual([secret, 0o600, 0o700])
  expect(await platform.secret(`file:${join(dir, 'secrets', name)}`)).toBe(secret)
})

it('closes a file that others could read before it writes a secret into it', async () => {
  const file = join(dir, 'secrets', `${name}@new`)
  writeFileSync(file, '')
  chmodSync(file, 0o666)
  await new HandOver('secrets', platform).complete(subject, 'another')
  expect(statSync(join(dir, 'secrets', name)).mode & 0o777).toBe(0o600)
  expect(concealed).toContain('another')
})

it('knows a rotation under way, and forgets it on a refusal only', async () => {
  const handOver = new HandOver('secrets', platform)
  const failed = async (errorClass: ErrorClass): Promise<string | null> => {
    await handOver.failed(subject, new ConnectError(errorClass, 'said so', 'there'))
    return await handOver.begun(subject)
  }
  expect(await handOver.begun(subject)).toBeNull()
  await handOver.begin(subject)
  expect([await failed('transient'), await failed('throttled'), await failed('fatal'), await failed('conflict')]).toEqual(['', '', '', null])
})

it('says where files can’t be written', async () => {
  writeFileSync(join(dir, 'file'), '')
  await expect(new HandOver('file', platform).make(subject)).rejects.toMatchObject({ class: 'configuration', place: join(dir, 'file'), message: expect.stringContaining('handOver') as string })
})

it('reads the dates by which a credential is told', () => {
  expect(seenOf({ attributes: { created: '1700000000000' } })).toEqual({ created: 1_700_000_000_000, expires: null })
})
