import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { topicNames, type Topic } from '../../../schemas/wire/topics.ts'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'
import { clusterOf } from '../../../src/adapters/log-kafka/internals.ts'
import { groupOf, kafkaAssignment, type KafkaAssignmentOptions } from '../../../src/adapters/log-kafka/kafka-assignment.ts'
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts'
import type { Assignment, Share } from '../../../src/ports/assignment.ts'
import { armFaults, type FaultPoint } from '../../../src/core/fault.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { defaultLimits } from '../../../src/runtime/limits.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import { openPublisher, type Publisher } from '../../../src/runtime/publisher.ts'
import { readPartition } from '../../../src/runtime/records.ts'
import { startKafka, type KafkaCluster } from '../../services/kafka.ts'
import { runBegin, seen, tally } from '../../support/fixture-processors.ts'
import { newInstallation, type Installation } from './installation.ts'
import type { Orders } from './sharing-child.ts'

const count = 4
const partitions = Object.fromEntries(topicNames.map((topic) => [topic, count])) as Record<Topic, number>
const sessionTimeoutMs = 4_000
const versions = { tally: 1, echo: 1 }

let cluster: KafkaCluster
let installation: Installation
beforeAll(async () => {
  cluster = await startKafka()
}, 240_000)
afterAll(() => cluster.stop())

const newOne = (): Promise<Installation> => newInstallation(cluster.brokers, { partitions, processors: { tally: count, echo: count } })
const owned = ({ owned: { partitions: own } }: Share): Record<string, readonly number[]> => Object.fromEntries(own)

describe('the processes of a role', { timeout: 120_000 }, () => {
  let log: KafkaLog
  let assignment: Assignment
  const shares: Share[] = []
  beforeEach(async () => {
    installation = await newOne()
    log = await installation.open()
    assignment = assignmentOf()
  })
  afterEach(async () => {
    await Promise.all(shares.splice(0).map((share) => share.leave()))
    await log.close()
    await installation.dispose()
  })
  const assignmentOf = (more: Partial<KafkaAssignmentOptions> = {}): Assignment =>
    kafkaAssignment({ ...installation.options, versions, tables: 1, sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs, ...more })
  const join = async (role: 'processors' | 'sink' = 'processors'): Promise<Share> => {
    const share = await assignment.share(role, ['raw', 'facts'])
    shares.push(share)
    return share
  }

  it('the first has all; a second one gets half of each topic and the first keeps the rest; who leaves gives them back', async () => {
    const first = await join()
    expect(owned(first)).toEqual({ raw: [0, 1, 2, 3], facts: [0, 1, 2, 3] })
    const told = first.next(first.owned.generation)
    const second = await join()
    await told
    expect(owned(first)).toEqual({ raw: [0, 1], facts: [0, 1] })
    expect(owned(second)).toEqual({ raw: [2, 3], facts: [2, 3] })
    await shares.pop()!.leave()
    await vi.waitFor(() => expect(owned(first)).toEqual({ raw: [0, 1, 2, 3], facts: [0, 1, 2, 3] }), { timeout: 20_000 })
  })

  it('whom the group has forgotten is told that it has nothing, and then what it is given anew', async () => {
    const share = await join()
    const { generation } = share.owned
    await forgetMembers(groupOf(installation.options.prefix, 'processors'))
    const lost = await share.next(generation)
    expect(lost.partitions).toEqual(new Map([['raw', []], ['facts', []]]))
    const { partitions: again } = await share.next(lost.generation)
    expect(again).toEqual(new Map([['raw', [0, 1, 2, 3]], ['facts', [0, 1, 2, 3]]]))
  })

  it('who restores a state, and then slices, for longer than a session keeps what it has', { timeout: 240_000 }, async () => {
    const sessionMs = 6_000
    const share = await assignmentOf({ sessionTimeoutMs: sessionMs, rebalanceTimeoutMs: sessionMs }).share('processors', ['raw', 'facts'])
    shares.push(share)
    const { generation } = share.owned
    const task = await log.openTask('task/tally/0')
    for (let i = 0; i < 12; i++) await task.commit({ appends: [], state: new Map([0, 1].map((n) => [`names/${i}/${n}`, randomBytes(2_000_000)])) })

    const busy = { 'kafka.mid-restore': 0, 'runtime.between-slices': 0 }
    armFaults((point) => {
      if (point !== 'kafka.mid-restore' && point !== 'runtime.between-slices') return
      busy[point] += 800
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800)
    })
    const elsewhere = await installation.open('elsewhere')
    const publisher = await openPublisher({ log, codec: createFileCodec(log.schemas), clock: systemClock, id: 'test' })
    await publisher.publish([...Array.from({ length: 60 }, (_, i) => ({ topic: 'raw', key: `app/${i}`, record: seen(String(i)) }) as const), { topic: 'raw', key: null, record: runBegin(1) }])
    const pipeline = new Pipeline({
      types: [tally], log: elsewhere, codec: createFileCodec(elsewhere.schemas), clock: systemClock, release: 'test', share, limits: { ...defaultLimits, sliceRows: 3 },
    })
    try {
      await pipeline.drained()
      expect(Math.min(...Object.values(busy))).toBeGreaterThan(1.5 * sessionMs)
      expect(share.owned.generation).toBe(generation)
    } finally {
      armFaults(null)
      await pipeline.stop()
      await elsewhere.close()
    }
  })

  describe('of another release', () => {
    const next = { ...versions, tally: 2 }
    const joinAsNext = (onLine: (line: string) => void = () => undefined): Promise<Share> =>
      assignmentOf({ versions: next, log: (_level, line) => onLine(line) }).share('processors', ['raw', 'facts'])

    it('take no part while those of this one do, who go on; the error names both', async () => {
      const first = await join()
      await expect(joinAsNext()).rejects.toThrow(/processors: its members work as grantline-sticky \(tally 1, echo 1\), this process as grantline-sticky \(tally 2, echo 1\)\. Stop all/)
      expect(owned(first)).toEqual({ raw: [0, 1, 2, 3], facts: [0, 1, 2, 3] })
      expect(owned(await join())).toEqual({ raw: [2, 3], facts: [2, 3] })
    })

    it('take all when those of this one have gone, for which they wait', async () => {
      const first = await join()
      const refused = Promise.withResolvers<string>()
      const joining = joinAsNext(refused.resolve)
      expect(await refused.promise).toContain('tries again')
      shares.splice(0)
      await first.leave()
      const second = await joining
      shares.push(second)
      expect(owned(second)).toEqual({ raw: [0, 1, 2, 3], facts: [0, 1, 2, 3] })
    })

    it('fill no tables beside it that have columns which it does not know', async () => {
      const first = await join('sink')
      await expect(assignmentOf({ tables: 2 }).share('sink', ['raw', 'facts'])).rejects.toThrow(/sink: its members work as grantline-sticky \(tables 1\), this process as grantline-sticky \(tables 2\)\. Stop all/)
      expect(owned(first)).toEqual({ raw: [0, 1, 2, 3], facts: [0, 1, 2, 3] })
    })

    it('share what tells nobody anything with each other: the sink, where the tables are the same', async () => {
      const first = await join('sink')
      const told = first.next(first.owned.generation)
      shares.push(await assignmentOf({ versions: next }).share('sink', ['raw', 'facts']))
      await told
      expect(owned(first)).toEqual({ raw: [0, 1], facts: [0, 1] })
    })
  })

  /** What the group's coordinator does when a session times out. */
  async function forgetMembers(groupId: string): Promise<void> {
    const client = createClient(installation.options, 'test')
    const admin = client.admin()
    const cluster = clusterOf(client)
    await Promise.all([admin.connect(), cluster.connect()])
    const { groups } = await admin.describeGroups([groupId])
    const coordinator = await cluster.findGroupCoordinator({ groupId })
    for (const { memberId } of groups[0]!.members) await coordinator.leaveGroup({ groupId, memberId })
    await Promise.all([admin.disconnect(), cluster.disconnect()])
  }

  it('roles do not share with each other', async () => {
    const [processors, sink] = [await join(), await join('sink')]
    expect(owned(sink)).toEqual(owned(processors))
  })
})

/** A process that shares, with its output on errors for the day it fails. */
class Peer {
  readonly process: ChildProcess
  readonly marker: string
  /** Resolves when it takes part, and ends in order on SIGTERM. */
  readonly ready: Promise<unknown>
  errors = ''

  constructor(name: string, options: Installation['options'], fault: { point: FaultPoint; nth: number; signal: 'SIGKILL' | 'SIGSTOP' } | null) {
    const path = join(options.path, '..', name)
    this.marker = `${path}.marker`
    const orders: Orders = {
      brokers: [...options.brokers], prefix: options.prefix, partitions: count, path, sessionTimeoutMs, transactionTimeoutMs: 15_000,
      fault: fault === null ? null : { ...fault, marker: this.marker },
    }
    const script = fileURLToPath(new URL('sharing-child.ts', import.meta.url))
    this.process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.ready = Promise.race([once(this.process.stdout!, 'data'), once(this.process, 'exit')])
    this.process.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.process, 'exit')
    this.process.kill(signal)
    await ended
  }
}

describe('several processes, killed and stopped at named points', () => {
  let log: KafkaLog
  let publisher: Publisher
  let peers: Peer[]
  let published = 0
  beforeAll(async () => {
    peers = []
    installation = await newOne()
    log = await installation.open()
    publisher = await openPublisher({ log, codec: createFileCodec(log.schemas), clock: systemClock, id: 'test' })
  }, 60_000)
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.end('SIGKILL')))
    await log.close()
    await installation.dispose()
  })

  const accounts = 40
  /** Every account once more, in transactions of their own, so that there are many commits to disturb. */
  const publishRound = async (): Promise<void> => {
    published++
    for (let i = 0; i < accounts; i++) await publisher.publish([{ topic: 'raw', key: `app/${i}`, record: seen(String(i)) }])
  }
  /** What the second processor made of it: for each account the counts in the order of the log. */
  const results = async (): Promise<Map<string, number[]>> => {
    const found = new Map<string, number[]>()
    for (let partition = 0; partition < count; partition++) {
      for await (const { record } of readPartition(log, createFileCodec(log.schemas), 'access', partition)) {
        if (record?.type === 'AccessChange') found.set(record.account, [...(found.get(record.account) ?? []), record.observed])
      }
    }
    return found
  }
  const settle = async (): Promise<void> => {
    await vi.waitFor(
      async () => {
        const counts = [...(await results()).values()].map((values) => values.length)
        expect(counts.reduce((sum, n) => sum + n, 0), peers.map((peer) => peer.errors.slice(-500)).join('\n')).toBeGreaterThanOrEqual(published * accounts)
      },
      { timeout: 120_000, interval: 500 },
    )
  }
  const start = (name: string, fault: ConstructorParameters<typeof Peer>[2] = null): Peer => {
    const peer = new Peer(name, installation.options, fault)
    peers.push(peer)
    return peer
  }

  it('every record counts once, in order, whoever dies where and whoever wakes up late', { timeout: 900_000 }, async () => {
    start('steady')
    await publishRound()
    await settle()
    const faults = [
      { point: 'kafka.after-send', nth: 12, signal: 'SIGKILL' },
      { point: 'kafka.after-offsets', nth: 12, signal: 'SIGKILL' },
      { point: 'kafka.after-commit', nth: 12, signal: 'SIGKILL' },
      { point: 'kafka.mid-restore', nth: 1, signal: 'SIGKILL' },
      { point: 'kafka.mid-standby', nth: 6, signal: 'SIGKILL' },
      { point: 'kafka.after-offsets', nth: 12, signal: 'SIGSTOP' },
    ] as const
    for (const [i, fault] of faults.entries()) {
      const victim = start(`victim-${i}`, fault)
      const disturbing = (async () => {
        while (!existsSync(victim.marker)) await publishRound()
      })()
      await Promise.race([disturbing, sleep(120_000)])
      expect(existsSync(victim.marker), `${fault.point} was not reached: ${victim.errors}`).toBe(true)
      if (fault.signal === 'SIGSTOP') {
        await publishRound()
        await settle() // the steady one has taken over by now
        victim.process.kill('SIGCONT') // a zombie: its transaction is open, in its view the partitions are its own
        await publishRound()
      }
      await settle()
      await victim.end('SIGKILL')
    }
    const all = await results()
    expect(all.size).toBe(accounts)
    const inOrder = Array.from({ length: published }, (_, i) => i + 1)
    for (const [account, counts] of all) expect(counts, account).toEqual(inOrder)
    expect(peers[0]!.hasEnded, peers[0]!.errors).toBe(false)
  })

  it('one that ends in order gives its partitions back at once', { timeout: 120_000 }, async () => {
    const leaving = start('leaving')
    await leaving.ready
    await publishRound()
    await settle()
    await leaving.end('SIGTERM')
    expect(leaving.process.exitCode, leaving.errors).toBe(0)
    await publishRound()
    await settle()
  })
})
