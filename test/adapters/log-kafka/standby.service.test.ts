import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RestoreProgress } from '../../../src/adapters/log-kafka/changelog.ts'
import type { KafkaLog, KafkaLogOptions } from '../../../src/adapters/log-kafka/kafka-log.ts'
import { armFaults } from '../../../src/core/fault.ts'
import { FencedError, type TaskStore } from '../../../src/ports/log.ts'
import { contractPartitions } from '../../contract/log.ts'
import { fetchKafka, launchKafka, startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { newInstallation, type Installation } from './installation.ts'
import type { Orders } from './standby-child.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await startKafka()
}, 240_000)
afterAll(() => cluster.stop())

const id = 'task/normalise/1'
type Changes = Record<string, string | null>

/** A process with standby copies, and what it says. */
interface Peer {
  log: KafkaLog
  followed: RestoreProgress[]
  restored: RestoreProgress[]
  said: string[]
}

describe('standby copies of states', { timeout: 120_000 }, () => {
  let installation: Installation
  let peers: Peer[]
  const start = async (directory: string, more: Partial<KafkaLogOptions> = {}): Promise<Peer> => {
    const peer: Omit<Peer, 'log'> = { followed: [], restored: [], said: [] }
    const log = await installation.open(directory, {
      standby: true,
      onStandby: (progress) => peer.followed.push(progress),
      onRestore: (progress) => progress.task === id && peer.restored.push(progress),
      log: (_level, message) => /standby/.test(message) && peer.said.push(message),
      ...more,
    })
    peers.push({ ...peer, log })
    await log.openTask(`publisher/${directory}`) // as every process does first
    return peers.at(-1)!
  }
  beforeEach(async () => {
    peers = []
    installation = await newInstallation(cluster.brokers)
  })
  afterEach(async () => {
    armFaults(null)
    await Promise.all(peers.map(({ log }) => log.close()))
    await installation.dispose()
  })

  const set = (task: TaskStore, changes: Changes): Promise<unknown> =>
    task.commit({ appends: [], state: new Map(Object.entries(changes).map(([key, value]) => [key, value === null ? null : Buffer.from(value)])) })
  const rows = (task: TaskStore): Changes => Object.fromEntries([...task.state.range('')].map(([key, value]) => [key, Buffer.from(value).toString()]))
  const many = (count: number, value: string): Changes => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a/${i}`, value]))
  const last = ({ followed }: Peer): RestoreProgress | undefined => followed.findLast(({ task }) => task === id)
  const caughtUp = (peer: Peer, atLeast: number): Promise<void> =>
    vi.waitFor(() => {
      const { offset = 0, end = 1, rows: read = 0 } = last(peer) ?? {}
      expect([offset === end, read]).toEqual([true, expect.toSatisfy((n: number) => n >= atLeast)])
    }, { timeout: 30_000, interval: 20 })

  it('taking over reads only what came after the copy; the states are equal, deleted rows too', async () => {
    const standby = await start('b')
    const owner = await (await start('a')).log.openTask(id)
    await set(owner, many(2_500, 'old'))
    await set(owner, { ...many(100, 'new'), 'a/200': null, 'a/201': null })
    await caughtUp(standby, 2_602)
    await set(owner, { 'a/0': null, 'a/1': 'newest', 'a/new': 'x' })
    const heir = await standby.log.openTask(id)
    expect(standby.restored.at(-1)!.rows).toBeLessThanOrEqual(3)
    const all = rows(heir)
    expect(all).toEqual(rows(owner))
    expect([Object.keys(all).length, all['a/0'], all['a/1'], all['a/200'], all['a/2400']]).toEqual([2_498, undefined, 'newest', undefined, 'old'])
    const cold = await (await installationWithout()).openTask(id)
    expect(rows(cold)).toEqual(all)
  })
  const installationWithout = async (): Promise<KafkaLog> => {
    const log = await installation.open('cold')
    peers.push({ log, followed: [], restored: [], said: [] })
    return log
  }

  it.each(['closed', 'fenced'] as const)('an owner that was %s follows its heir, and takes over from it in turn with what came last', async (how) => {
    const [a, b] = [await start('a'), await start('b')]
    const first = await a.log.openTask(id)
    await set(first, many(1_000, 'first'))
    await caughtUp(b, 1_000)
    if (how === 'closed') await first.close()
    const second = await b.log.openTask(id)
    expect(b.restored.at(-1)!.rows).toBe(0)
    if (how === 'fenced') await expect(set(first, { 'a/late': 'x' })).rejects.toThrow(FencedError)
    const followedWhileHeld = b.followed.filter(({ task }) => task === id).length
    await set(second, { ...many(500, 'second'), 'a/900': null })
    await caughtUp(a, 501)
    expect(last(a)!.rows).toBe(501)
    expect(b.followed.filter(({ task }) => task === id)).toHaveLength(followedWhileHeld)
    const third = await a.log.openTask(id)
    expect(a.restored.at(-1)!.rows).toBe(0)
    expect(rows(third)).toEqual(rows(second))
    b.followed.length = 0
    await set(third, { 'a/third': 'x', 'a/0': null })
    await expect(set(second, { 'a/late': 'x' })).rejects.toThrow(FencedError)
    await caughtUp(b, 2)
    const fourth = await b.log.openTask(id)
    expect(b.restored.at(-1)!.rows).toBe(0)
    expect(rows(fourth)).toEqual(rows(third))
    expect([rows(fourth)['a/900'], rows(fourth)['a/0'], rows(fourth)['a/1'], rows(fourth)['a/600']]).toEqual([undefined, undefined, 'second', 'first'])
  })

  it('what an aborted transaction wrote never shows', async () => {
    const [a, b] = [await start('a'), await start('b')]
    let owner = await a.log.openTask(id)
    await set(owner, { 'a/kept': 'x', 'a/1': 'old' })
    armFaults((point) => {
      if (point === 'kafka.after-offsets') throw new Error('stopped')
    })
    await expect(set(owner, { 'a/lost': 'x', 'a/1': 'lost', 'a/kept': null })).rejects.toThrow('stopped')
    armFaults(null)
    owner = await a.log.openTask(id)
    await set(owner, { 'a/after': 'x' })
    await caughtUp(b, 3)
    expect(last(b)!.rows).toBe(3)
    const heir = await b.log.openTask(id)
    expect(b.restored.at(-1)!.rows).toBe(0)
    expect(rows(heir)).toEqual({ 'a/after': 'x', 'a/kept': 'x', 'a/1': 'old' })
  })

  it('a copy that is older than the changelog keeps marks of deleted rows is made anew', async () => {
    const shortly = { deleteRetentionMs: 1_000 }
    const [a, b] = [await start('a', shortly), await start('b', shortly)]
    const owner = await a.log.openTask(id)
    await set(owner, many(50, 'x'))
    await caughtUp(b, 50)
    await b.log.close()
    await set(owner, { 'a/0': null })
    await sleep(1_000)
    const again = await start('b', shortly)
    await caughtUp(again, 51)
    expect(last(again)!.rows).toBe(51)
    expect(rows(await again.log.openTask(id))).toEqual(rows(owner))
  })

  it('a process that was away for a moment goes on where its copy is', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const owner = await a.log.openTask(id)
    await set(owner, many(50, 'x'))
    await caughtUp(b, 50)
    await b.log.close()
    await set(owner, { 'a/0': null })
    const again = await start('b')
    await caughtUp(again, 1)
    expect(last(again)!.rows).toBe(1)
    expect(rows(await again.log.openTask(id))).toEqual(rows(owner))
  })

  it('one that is killed in the middle of copying goes on from where it was, and misses nothing', async () => {
    const owner = await (await start('a')).log.openTask(id)
    for (let n = 0; n < 6; n++) await set(owner, Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`${n}/${i}`, randomBytes(1_000).toString('base64')])))
    await set(owner, { '0/0': null, '0/1': 'last' })
    const { brokers, prefix, processors, path } = installation.options
    const orders: Orders = { brokers: [...brokers], prefix, processors, path: path.replace(/own$/, 'killed'), partitions: contractPartitions.raw, nth: 4 }
    const script = fileURLToPath(new URL('standby-child.ts', import.meta.url))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, JSON.stringify(orders)], { stdio: ['ignore', 'inherit', 'inherit'] })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    const heir = await start('killed')
    await caughtUp(heir, 1)
    expect(last(heir)!.rows).toBeLessThan(3_000)
    const task = await heir.log.openTask(id)
    expect(heir.restored.at(-1)!.rows).toBe(0)
    expect(rows(task)).toEqual(rows(owner))
  })

  it('an error is told once and costs nothing but time; a changelog that stands still is not asked for', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const owner = await a.log.openTask(id)
    await set(owner, many(10, 'x'))
    let thrown = 0
    armFaults((point) => {
      if (point === 'kafka.mid-standby' && thrown++ < 2) throw new Error('no room')
    })
    await caughtUp(b, 10)
    await set(owner, many(2, 'y'))
    await caughtUp(b, 12)
    expect(thrown).toBeGreaterThanOrEqual(2)
    expect([...a.said, ...b.said].filter((line) => line.includes('no room')).length).toBeLessThanOrEqual(2)
    expect([...a.said, ...b.said].some((line) => line.includes('go on'))).toBe(true)
    await sleep(1_500)
    const asked = b.followed.length
    await sleep(2_500)
    expect(b.followed).toHaveLength(asked)
    expect(rows(await b.log.openTask(id))).toEqual(rows(owner))
  })

  it('goes on when the brokers are back', { timeout: 240_000 }, async () => {
    const own = await launchKafka(await fetchKafka(), {})
    const on = await newInstallation(own.brokers)
    const followed: RestoreProgress[] = []
    const [a, b] = [await on.open('a'), await on.open('b', { standby: true, onStandby: (progress) => followed.push(progress) })]
    try {
      await b.openTask('publisher/b')
      let owner = await a.openTask(id)
      await set(owner, many(10, 'x'))
      await expect.poll(() => followed.findLast(({ task }) => task === id)?.rows, { timeout: 30_000 }).toBe(10)
      await own.own[0]!.kill()
      await sleep(3_000)
      await own.own[0]!.restart()
      await vi.waitFor(async () => void (owner = await a.openTask(id)), { timeout: 90_000, interval: 500 })
      await set(owner, { 'a/0': null, 'a/back': 'x' })
      await expect.poll(() => followed.findLast(({ task }) => task === id)?.rows, { timeout: 90_000 }).toBe(12)
      expect(rows(await b.openTask(id))).toEqual(rows(owner))
    } finally {
      await Promise.all([a.close(), b.close()])
      await on.dispose()
      await own.stop()
    }
  })
})
