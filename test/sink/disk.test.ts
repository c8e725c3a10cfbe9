import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { onSmallDisk } from '../support/small-disk.ts'

interface Saw {
  before: number
  meanwhile: number
  errors: string[]
  wrong: string[]
  startedErrors: string[]
  startedWrong: string[]
}

let path: string
afterEach(() => rm(path, { recursive: true, force: true }))

it('a full disk of the tables is told with its place, ends nothing, and when there is room again each row lands once', { timeout: 120_000 }, async () => {
  path = await mkdtemp(join(tmpdir(), 'grantline-full-tables-'))
  const [program, ...args] = [...onSmallDisk(path, 48), process.execPath, fileURLToPath(new URL('disk-child.ts', import.meta.url)), path]
  const saw = JSON.parse((await promisify(execFile)(program, args)).stdout) as Saw
  expect(saw.before).toBeGreaterThan(50)
  expect(saw.meanwhile).toBe(saw.before)
  for (const errors of [saw.errors, saw.startedErrors]) {
    expect(errors).not.toEqual([])
    for (const error of errors) expect(error).toMatch(new RegExp(`^(insert into [a-z_]+|command) at ${path} failed: .+\\. The disk of the tables is full: make room there$`))
  }
  expect(saw.errors.some((error) => error.startsWith('insert into '))).toBe(true)
  expect([saw.wrong, saw.startedWrong]).toEqual([[], []])
})
