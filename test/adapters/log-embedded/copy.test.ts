import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { copyEmbeddedLog } from '../../../src/adapters/log-embedded/copy.ts'
import { openEmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import { onSmallDisk } from '../../support/small-disk.ts'

const partitions = Object.fromEntries(topicNames.map((topic) => [topic, 2])) as Record<Topic, number>
const childOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
let base: string
let source: string
let children: ChildProcess[]
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'grantline-copy-'))
  source = join(base, 'source')
  children = []
})
afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await stopped(child)
  rmSync(base, { recursive: true, force: true })
})

async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** A process that commits without a pause, and how many it has acknowledged. */
async function writer(): Promise<{ acknowledged: () => number; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [childOf('../../crash/log-writer.ts'), source, 'none', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let count = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => (count += text.split('\n').length - 1))
  while (count < 20) await delay(20)
  return { acknowledged: () => count, stop: () => stopped(child) }
}

const copyTo = (target: string, onProgress = (_done: number, _of: number): void => undefined): Promise<number> => copyEmbeddedLog({ path: source, target, onProgress })

/** How many commits a copy has; throws where one of them is there in part. */
async function commitsIn(path: string): Promise<number> {
  const log = await openEmbeddedLog({ path, partitions, durability: 'process' })
  try {
    const { state } = await log.openTask('writer')
    const commits = Buffer.from(state.get('n')!).readUInt32BE() + 1
    expect([await log.end('raw', 0), await log.end('facts', 1)]).toEqual([commits, commits])
    expect(await log.end('access', 0)).toBe(Array.from({ length: commits }, (_, n) => (n % 41) + 1).reduce((a, b) => a + b, 0))
    const messages = await log.read('raw', 0, 0, { maxMessages: commits, maxBytes: 1e9 })
    expect(messages.map(({ value }) => Buffer.from(value).readUInt32BE())).toEqual(Array.from({ length: commits }, (_, n) => n))
    return commits
  } finally {
    await log.close()
  }
}

describe('a copy of a log that another process writes', () => {
  it('holds the commits of one moment whole, all that were acknowledged before it among them, and can be written', { timeout: 120_000 }, async () => {
    const { acknowledged, stop } = await writer()
    const seen: number[] = []
    for (let n = 0; n < 5; n++) {
      const before = acknowledged()
      const path = join(base, `copy ${n}`)
      expect(await copyTo(path)).toBeGreaterThan(50_000)
      expect(readdirSync(path)).toEqual(['log.mdb'])
      seen.push(await commitsIn(path))
      expect(seen[n]).toBeGreaterThanOrEqual(before)
    }
    const last = acknowledged()
    await stop()
    expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(seen) // it was written all the while
    expect(last).toBeGreaterThan(seen[0]!)
    expect(await commitsIn(source)).toBeGreaterThanOrEqual(last)
    const log = await openEmbeddedLog({ path: join(base, 'copy 0'), partitions, durability: 'disk' })
    await (await log.openTask('writer')).commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 1, value: new Uint8Array(4) }], state: new Map() })
    expect(await log.end('raw', 0)).toBe(seen[0]! + 1)
    await log.close()
  })

  it('that is killed on its way is no log, and costs the one who writes nothing', { timeout: 120_000 }, async () => {
    const { acknowledged, stop } = await writer()
    while (acknowledged() < 300) await delay(20)
    const target = join(base, 'cut off')
    const child = spawn(process.execPath, [childOf('copy-child.ts'), source, target], { stdio: ['ignore', 'ignore', 'inherit'] })
    children.push(child)
    while (!existsSync(join(target, 'log.mdb.partial'))) await delay(1)
    await stopped(child)
    expect(readdirSync(target)).toEqual(['log.mdb.partial'])
    await expect(copyTo(target)).rejects.toThrow(`${target} is not empty`)
    const then = acknowledged()
    while (acknowledged() < then + 20) await delay(20)
    await copyTo(join(base, 'whole'))
    await stop()
    expect(await commitsIn(join(base, 'whole'))).toBeGreaterThan(then)
  })

  it('onto a disk that is full is told, and leaves nothing that could be taken for one', { timeout: 120_000 }, async () => {
    const { acknowledged, stop } = await writer()
    while (acknowledged() < 300) await delay(20)
    await stop()
    const small = join(base, 'small')
    mkdirSync(small)
    const [program, ...args] = [...onSmallDisk(small, 1), process.execPath, childOf('copy-child.ts'), source, join(small, 'copy')]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(child, 'close')
    expect(JSON.parse(said)).toEqual({ error: expect.stringMatching(/log\.mdb could not be copied to .*copy: .*[Nn]o space left/) as string, left: [] })
  })
})

describe('no copy is made', () => {
  it('of nothing, into a directory that holds something, or of a file that is damaged', async () => {
    await expect(copyTo(join(base, 'copy'))).rejects.toThrow(`${join(source, 'log.mdb')} is not there`)
    const log = await openEmbeddedLog({ path: source, partitions, durability: 'process' })
    await log.close()
    const taken = join(base, 'taken')
    mkdirSync(taken)
    writeFileSync(join(taken, 'something'), '')
    await expect(copyTo(taken)).rejects.toThrow(`${taken} is not empty: name a directory that is`)
    writeFileSync(join(source, 'log.mdb'), 'a text that somebody put here')
    await expect(copyTo(join(base, 'copy'))).rejects.toThrow('is no log, or a damaged one (it does not begin as one)')
  })
})
