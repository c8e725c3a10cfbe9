import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBridge, type Bridge } from '../adapters/store-clickhouse/http-bridge.ts'
import { Company, unordered } from '../crash/company.ts'
import { differences, type Outcome } from '../crash/outcome.ts'
import { audit, runToEnd } from '../crash/processes.ts'
import { startSchemaRegistry, type SchemaRegistryService } from '../services/apicurio.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../services/kafka.ts'
import { freePort } from '../services/free-port.ts'
import { startFaultProxy, type FaultProxy } from '../../src/hostile/fault-proxy.ts'
import { Installation, type Addresses, type Times } from './installation.ts'

/** GRANTLINE_LONG=1: more than a hundred faults, in place of some thirty. */
export const isLong = process.env['GRANTLINE_LONG'] === '1'
/** of one scene, on a machine that does much else */
export const sceneMs = 900_000

interface Services {
  kafka: KafkaCluster
  registry: SchemaRegistryService
  bridge: Bridge
  /** before each of them; they strike nothing unless told to */
  proxies: Record<'kafka' | 'registry' | 'clickhouse', FaultProxy>
}

/** What the scenes share: one broker, one registry, one engine, and the outcome of an undisturbed run to compare with. */
export class Lab {
  readonly services: Services
  readonly undisturbed: Outcome
  readonly #tables: string

  static async open(): Promise<Lab> {
    const tables = mkdtempSync(join(tmpdir(), 'grantline-chaos-'))
    const services = await startServices(tables)
    try {
      return new Lab(services, tables, await undisturbedRun())
    } catch (error) {
      await stopServices(services)
      throw error
    }
  }

  private constructor(services: Services, tables: string, undisturbed: Outcome) {
    this.services = services
    this.undisturbed = undisturbed
    this.#tables = tables
  }

  get addresses(): Addresses {
    const { kafka, registry, bridge } = this.services
    return { brokers: kafka.brokers, registry: registry.url, clickhouse: bridge.url }
  }

  /** The same by way of the proxies. */
  get proxied(): Addresses {
    const { kafka, registry, clickhouse } = this.services.proxies
    const url = new URL(this.addresses.registry)
    url.port = String(registry.port)
    return { brokers: [`127.0.0.1:${kafka.port}`], registry: url.href, clickhouse: `http://127.0.0.1:${clickhouse.port}` }
  }

  /** Plays a scene on an installation of its own, lets it settle, and answers what is not as in the undisturbed run. */
  async scene(play: (of: Installation) => Promise<unknown>, times: Partial<Times> = {}, elsewhere: Partial<Addresses> = {}): Promise<string[]> {
    const { bridge, proxies } = this.services
    const of = await Installation.open({ ...this.addresses, ...elsewhere }, times)
    try {
      await play(of)
      await of.settle()
      return differences(this.undisturbed, await of.audit(), unordered)
    } finally {
      bridge.fault = () => 'none'
      for (const proxy of Object.values(proxies)) proxy.plan({ kind: 'none' })
      await of.close()
    }
  }

  async close(): Promise<void> {
    await stopServices(this.services)
    rmSync(this.#tables, { recursive: true, force: true })
  }
}

async function startServices(tables: string): Promise<Services> {
  const port = await freePort()
  const before = await startFaultProxy(port)
  const [kafka, registry, bridge] = await Promise.all([
    fetchKafka().then((libs) => launchKafka(libs, { proxied: { port, advertised: before.port } })), startSchemaRegistry(), openBridge(tables),
  ])
  const [beforeRegistry, clickhouse] = await Promise.all([registry.url, bridge.url].map((url) => startFaultProxy(Number(new URL(url).port))))
  return { kafka, registry, bridge, proxies: { kafka: before, registry: beforeRegistry!, clickhouse: clickhouse! } }
}

async function stopServices({ kafka, registry, bridge, proxies }: Services): Promise<void> {
  await Promise.all([...Object.values(proxies), kafka, registry].map((one) => one.stop()))
  await bridge.close()
}

/** On the embedded log. */
async function undisturbedRun(): Promise<Outcome> {
  const company = await Company.open()
  try {
    await runToEnd(company)
    return await audit(company)
  } finally {
    await company.close()
  }
}
