import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '../../src/adapters/log-kafka/client.ts'
import { Company } from '../crash/company.ts'
import type { Outcome } from '../crash/outcome.ts'
import { audit } from '../crash/processes.ts'
import type { Orders } from './member.ts'
import { Process } from './process.ts'

/** Where a process finds what all share. */
export interface Addresses {
  /** host:port */
  brokers: readonly string[]
  /** of the registry's Confluent API */
  registry: string
  /** of ClickHouse's HTTP interface */
  clickhouse: string
}

export interface Times {
  sessionSeconds: number
  transactionSeconds: number
}

/** A machine that does much else may take long over a transaction; who timed out is fenced as who was taken over. */
const ordinary: Times = { sessionSeconds: 4, transactionSeconds: 30 }

interface StartOptions extends Partial<Pick<Orders, 'drain' | 'fault' | 'variant'>> {
  /** where this one finds them: through a proxy */
  via?: Partial<Addresses>
  wrapper?: readonly string[]
}

let count = 0

/** A company whose log is on Kafka and whose tables are on a server, under names of its own; its processes come and go. */
export class Installation {
  readonly company: Company
  readonly prefix: string
  readonly #name: string
  readonly #addresses: Addresses
  readonly #times: Times
  readonly #processes: Process[] = []

  static async open(addresses: Addresses, times: Partial<Times> = {}, { corrects = false } = {}): Promise<Installation> {
    return new Installation(await Company.open({ corrects }), `chaos${process.pid}x${++count}`, addresses, { ...ordinary, ...times })
  }

  private constructor(company: Company, name: string, addresses: Addresses, times: Times) {
    this.company = company
    this.#name = name
    this.prefix = `${name}.`
    this.#addresses = addresses
    this.#times = times
  }

  get brokers(): readonly string[] {
    return this.#addresses.brokers
  }

  /** The data directory of the process in a place: its copies of states and its spools. */
  home(place: number): string {
    return join(this.company.directory, `process-${place}`)
  }

  /** A process in a place: the same place has the same data directory. */
  start(place: number, { via = {}, wrapper = [], ...orders }: StartOptions = {}): Process {
    const marker = join(this.company.directory, `marker-${this.#processes.length}`)
    const started = new Process({ file: this.#file(place, via), offsetMs: this.company.offsetMs, marker, drain: false, fault: null, variant: null, ...orders }, wrapper)
    this.#processes.push(started)
    return started
  }

  /** All processes end in order; then one alone goes on until everything is processed and in the tables. */
  async settle({ orTakenOver = false } = {}): Promise<void> {
    await Promise.all(this.#processes.filter(({ isOver }) => !isOver).map((one) => one.stop({ orTakenOver })))
    const last = this.start(0, { drain: true })
    await last.ends()
    await last.stop()
  }

  /** What everybody's work came to, and what is wrong with it; nothing may run. */
  async audit(): Promise<Outcome> {
    return await audit({ directory: this.company.directory, file: this.#file(0, {}) })
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.kill()))
    await this.company.close()
    const admin = createClient({ brokers: this.#addresses.brokers, tls: null, sasl: null, log: () => undefined }, 'chaos').admin()
    await admin.connect()
    await admin.deleteTopics({ topics: (await admin.listTopics()).filter((topic) => topic.startsWith(this.prefix)) })
    await admin.disconnect()
  }

  #file(place: number, via: Partial<Addresses>): string {
    const { brokers, registry, clickhouse } = { ...this.#addresses, ...via }
    const home = this.home(place)
    mkdirSync(home, { recursive: true })
    const lines = [
      readFileSync(this.company.file, 'utf8').replace(/^dataDir: .*$/m, `dataDir: ${home}`),
      `kafka: ${JSON.stringify({ brokers, prefix: this.prefix, ...this.#times })}`,
      `registry: ${JSON.stringify({ url: registry })}`,
      // the least there is: whoever takes a sink over waits for as long
      `clickhouse: ${JSON.stringify({ url: clickhouse, database: this.#name, insertSeconds: 1 })}`,
    ]
    const file = `${home}.yaml`
    writeFileSync(file, `${lines.join('\n')}\n`)
    return file
  }
}
