import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openEmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import { contractPartitions } from '../../contract/log.ts'

const times = 8
/** as the child has it */
const appends = 300
let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'grantline-ending-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

/** How many commits of each thread are there, and what of them is there in part. */
async function foundIn(path: string): Promise<{ commits: number[]; torn: string[] }> {
  const log = await openEmbeddedLog({ path, partitions: contractPartitions, durability: 'process' })
  try {
    const torn: string[] = []
    const commits = await Promise.all([0, 1].map(async (thread) => {
      const { state } = await log.openTask(`writer ${thread}`)
      const rows = [...state.range('row/')].map(([, value]) => Buffer.from(value).toString())
      const [last = '0'] = rows
      const end = await log.end('facts', thread)
      if (end !== Number(last) * appends || rows.length !== appends || rows.some((row) => row !== last)) torn.push(`thread ${thread}: ${end} messages, rows of commits ${[...new Set(rows)].join(' and ')}`)
      return Number(last)
    }))
    return { commits, torn }
  } finally {
    await log.close()
  }
}

it.each([['exit', 3], ['throw', 1]] as const)('a process that ends by %s while its threads commit leaves whole commits, and ends as it would have', { timeout: 120_000 }, async (how, status) => {
  const commits: number[] = []
  for (let n = 0; n < times; n++) {
    const path = join(base, `${n}`)
    const child = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('ending-child.ts', import.meta.url)), path, how, `${7 * n}`], { encoding: 'utf8' })
    expect({ status: child.status, said: how === 'throw' ? child.stderr.includes('nobody catches this') : child.stderr }).toEqual({ status, said: how === 'throw' ? true : '' })
    const found = await foundIn(path)
    expect(found.torn).toEqual([])
    commits.push(...found.commits)
  }
  expect(Math.min(...commits)).toBeGreaterThan(2)
})
