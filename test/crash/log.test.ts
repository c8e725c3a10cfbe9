import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import type { Message } from '../../src/ports/log.ts'
import { noise } from './noise.ts'

const KILLS = 20
const POINTS = ['none', 'log.before-append', 'none', 'log.after-append', 'none', 'log.before-state', 'none', 'log.after-state'] as const
const ALL = { maxMessages: 10_000_000, maxBytes: Number.MAX_SAFE_INTEGER }
const partitions = Object.fromEntries(topicNames.map((topic) => [topic, 2])) as Record<Topic, number>

let path: string
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'grantline-crash-'))
})
afterEach(() => rm(path, { recursive: true, force: true }))

it('embedded log: after SIGKILL exactly the acknowledged commits are there, and at most one more, whole', { timeout: 120_000 }, async () => {
  let next = 0
  const fired = new Set<string>()
  for (let kill = 0; kill < KILLS; kill++) {
    const point = POINTS[kill % POINTS.length]!
    const acknowledged = await runUntilKilled(point, 3 + kill)
    expect(acknowledged.length).toBeGreaterThan(0)
    expect(acknowledged).toEqual(acknowledged.map((_, i) => next + i))
    const last = acknowledged.at(-1)!
    const there = await whatIsThere()
    expect([last, last + 1]).toContain(there)
    // killed before the transaction ended, nothing of it may be there
    if (point !== 'none') {
      expect(there).toBe(last)
      fired.add(point)
    }
    next = there + 1
  }
  expect(fired.size).toBe(4)
})

/** Numbers of the commits that the process acknowledged. It dies at the fault point, or by SIGKILL some acknowledgements later. */
async function runUntilKilled(point: (typeof POINTS)[number], passes: number): Promise<number[]> {
  const writer = fileURLToPath(new URL('./log-writer.ts', import.meta.url))
  const child = spawn(process.execPath, [writer, path, point, String(passes)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    // from the second line on, after a delay that falls anywhere in a commit
    if (point === 'none' && out.split('\n').length > passes) setTimeout(() => child.kill('SIGKILL'), (passes * 7) % 5)
  })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect(signal, errors).toBe('SIGKILL')
  return out.split('\n').slice(0, -1).map(Number)
}

/** Asserts that state and appends tell the same story, and answers the number of the last commit in it. */
async function whatIsThere(): Promise<number> {
  const log = await openEmbeddedLog({ path, partitions, durability: 'disk' })
  try {
    const task = await log.openTask('reader')
    expect([...task.state.range('')]).toEqual([])
    const writer = await log.openTask('writer')
    const n = number(writer.state.get('n')!)
    const all = Array.from({ length: n + 1 }, (_, i) => i)
    expect((await log.read('raw', 0, 0, ALL)).map(numberOf)).toEqual(all)
    expect((await log.read('facts', 1, 0, ALL)).map(numberOf)).toEqual(all)
    const access = await log.read('access', 0, 0, ALL)
    expect(access.map((message) => message.timestamp)).toEqual(all.flatMap((i) => Array.from({ length: (i % 41) + 1 }, () => i)))
    const noises = new Map<number, Uint8Array>()
    for (const { timestamp, value } of access) {
      const written = noises.get(timestamp) ?? noise(timestamp, 500 * (timestamp % 41))
      noises.set(timestamp, written)
      expect(Buffer.compare(value, written)).toBe(0)
    }
    const rows = new Map([...writer.state.range('row/')].map(([key, value]) => [key, number(value)]))
    expect(rows).toEqual(new Map(all.slice(-50).map((i): [string, number] => [`row/${i % 50}`, i]).sort(([a], [b]) => (a < b ? -1 : 1))))
    return n
  } finally {
    await log.close()
  }
}

const number = (value: Uint8Array): number => Buffer.from(value).readUInt32BE()
const numberOf = (message: Message): number => number(message.value)
