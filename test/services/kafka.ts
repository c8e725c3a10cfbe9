import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { finish, installOnce } from './install-once.ts'
import { fetchArtifacts } from './java.ts'

export interface KafkaBroker {
  readonly address: string
  /** the directory of its partitions */
  readonly data: string
  readonly process: ChildProcess
  /** With SIGKILL; its data stay. */
  kill(): Promise<void>
  /** Again, on the same address and data. */
  restart(): Promise<void>
}

export interface KafkaCluster {
  /** host:port, one or more */
  readonly brokers: readonly string[]
  /** empty where `KAFKA_BROKERS` names a cluster that is not ours */
  readonly own: readonly KafkaBroker[]
  stop(): Promise<void>
}

export interface KafkaOptions {
  /** 1, or 3 with replication 3 and two in-sync replicas asked for */
  brokers?: 1 | 3
  /** more lines of server.properties; `listeners` and their addresses are ours */
  settings?: Readonly<Record<string, string>>
  heapMb?: number
  /** compiled by the JVM's second compiler too, as in service. It takes more CPU than it saves within the minutes of a suite */
  isMeasured?: boolean
  /** users that log in by SCRAM-SHA-512, with their passwords */
  scram?: Readonly<Record<string, string>>
  /** a second way in at `port`, which the broker tells its clients to be at `advertised`: a proxy's. One broker only */
  proxied?: { port: number; advertised: number }
}

const version = '4.4.0'
const startTimeoutMs = 240_000

/** The broker's programs, fetched from Maven Central once. Throws, saying why, where that can't be done. */
export async function fetchKafka(): Promise<string> {
  const libs = await fetchArtifacts(`kafka-${version}`, [{ group: 'org.apache.kafka', name: 'kafka_2.13', version }])
  await installOnce(classesOf(libs), () => keepClasses(libs))
  return libs
}

const classesOf = (libs: string): string => join(libs, '../classes')
const archiveOf = (libs: string): string => join(classesOf(libs), 'broker.jsa')

/** A broker that ends in order leaves its classes as the JVM has them by then: later ones start with half the CPU time. A JVM that can't use them does without. */
async function keepClasses(libs: string): Promise<void> {
  mkdirSync(classesOf(libs), { recursive: true })
  const cluster = await launchKafka(libs, {}, `-XX:ArchiveClassesAtExit=${archiveOf(libs)}`)
  const broker = cluster.own[0]!.process
  const ended = once(broker, 'exit')
  broker.kill('SIGTERM')
  await ended
  await cluster.stop()
}

/**
 * Apache Kafka of our own (KRaft): on loopback, free ports, in a temporary directory. `KAFKA_BROKERS` (host:port, by commas) uses
 * an existing cluster instead. Throws, saying why, if there is neither.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const existing = process.env['KAFKA_BROKERS']
  if (existing !== undefined && existing !== '') return { brokers: existing.split(','), own: [], stop: async () => undefined }
  try {
    return await launchKafka(await fetchKafka(), options)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(`Kafka can't be started for the tests: ${why.split('\n')[0]}`)
    throw error
  }
}

/** One of our own, whatever `KAFKA_BROKERS` says: for suites that need settings of their own. `classes`: what the JVM does with the archive of them. */
export async function launchKafka(libs: string, { brokers: count = 1, settings = {}, heapMb = 512, isMeasured = false, scram = {}, proxied }: KafkaOptions, classes = `-XX:SharedArchiveFile=${archiveOf(libs)}`): Promise<KafkaCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'grantline-kafka-'))
  const clusterId = `G${randomBytes(16).toString('base64url').slice(1)}` // one that begins with a dash would be taken for an option
  const ports = await Promise.all(Array.from({ length: count }, async () => ({ client: await freePort(), controller: await freePort() })))
  const voters = ports.map(({ controller }, i) => `${i + 1}@127.0.0.1:${controller}`).join(',')
  const started: Broker[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((broker) => broker.kill()))
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await Promise.all(
      ports.map(async ({ client, controller }, i) => {
        const home = join(dir, String(i + 1))
        mkdirSync(home)
        const file = join(home, 'server.properties')
        const data = join(home, 'data')
        writeFileSync(file, lines({ ...properties(i + 1, client, controller, voters, data, count), ...(proxied === undefined ? {} : throughProxy(client, controller, proxied)), ...settings }))
        const users = Object.entries(scram).flatMap(([name, password]) => ['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`])
        await finish('java', [...jvm(libs, 128, false), `-XX:SharedArchiveFile=${archiveOf(libs)}`, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, ...users])
        started[i] = new Broker(`127.0.0.1:${client}`, data, [...jvm(libs, heapMb, isMeasured), classes, 'kafka.Kafka', file])
      }),
    )
    await Promise.all(started.map((broker) => broker.restart()))
  } catch (error) {
    await stop()
    throw error
  }
  return { brokers: started.map(({ address }) => address), own: started, stop }
}

class Broker implements KafkaBroker {
  readonly address: string
  readonly data: string
  readonly #args: readonly string[]
  #process: ChildProcess | undefined
  readonly #killOnExit = (): unknown => this.#process?.kill('SIGKILL')

  constructor(address: string, data: string, args: readonly string[]) {
    this.address = address
    this.data = data
    this.#args = args
  }

  get process(): ChildProcess {
    if (this.#process === undefined) throw new Error(`the broker at ${this.address} was not started`)
    return this.#process
  }

  async kill(): Promise<void> {
    process.off('exit', this.#killOnExit)
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async restart(): Promise<void> {
    await this.kill()
    const child = spawn('java', this.#args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    process.once('exit', this.#killOnExit)
    await ready(child, this.address)
  }
}

async function ready(child: ChildProcess, address: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  let said = ''
  const listen = (chunk: Buffer): void => {
    said = `${said}${chunk.toString()}`.slice(-4000)
  }
  child.stdout?.on('data', listen)
  child.stderr?.on('data', listen)
  while (!(await answers(address))) {
    if (child.exitCode !== null) throw new Error(`the broker ended with ${child.exitCode}: ${said}`)
    if (performance.now() > deadline) throw new Error(`the broker at ${address} is not ready after ${startTimeoutMs} ms: ${said}`)
    await sleep(100)
  }
}

/** The broker listens for clients only once it serves them. */
function answers(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect(Number(port), host)
    const end = (outcome: boolean): void => {
      socket.destroy()
      resolve(outcome)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

function jvm(libs: string, heapMb: number, isMeasured: boolean): string[] {
  return [`-Xmx${heapMb}m`, '-XX:+UseSerialGC', ...(isMeasured ? [] : ['-XX:TieredStopAtLevel=1']), '-Dlog4j2.level=WARN', '-cp', join(libs, '*')]
}

function properties(id: number, client: number, controller: number, voters: string, data: string, brokers: number): Record<string, string> {
  const inSync = String(brokers === 3 ? 2 : 1)
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${client}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': String(brokers),
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': String(brokers),
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': String(brokers),
    'transaction.state.log.min.isr': inSync,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    // a broker that was killed is let in again only when its session is over
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
    'log.cleaner.backoff.ms': '500',
    'log.retention.check.interval.ms': '1000',
  }
}

const throughProxy = (client: number, controller: number, { port, advertised }: { port: number; advertised: number }): Record<string, string> => ({
  listeners: `PLAINTEXT://127.0.0.1:${client},PROXIED://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${client},PROXIED://127.0.0.1:${advertised}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
})

const lines = (settings: Readonly<Record<string, string>>): string => Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join('')
