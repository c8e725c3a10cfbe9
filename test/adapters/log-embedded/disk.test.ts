import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { onSmallDisk } from '../../support/small-disk.ts'

let path: string
afterEach(() => rm(path, { recursive: true, force: true }))

it('a full disk is told with its place, ends nothing, loses nothing, and there is room again when there is', async () => {
  path = await mkdtemp(join(tmpdir(), 'grantline-full-'))
  const [program, ...args] = [...onSmallDisk(path, 3), process.execPath, fileURLToPath(new URL('disk-child.ts', import.meta.url)), path]
  const { stdout } = await promisify(execFile)(program, args)
  const saw = JSON.parse(stdout) as { written: number; error: string; spent: string; offsets: number[] }
  expect(saw.written).toBeGreaterThan(20)
  expect(saw.error).toMatch(new RegExp(`writing to ${path} failed: .+\\. Its disk is full \\(\\d+ KiB free\\): make room there$`))
  expect(saw.spent).toMatch(/an earlier commit failed/)
  expect(saw.offsets).toEqual(Array.from({ length: saw.written + 1 }, (_, i) => i))
})
