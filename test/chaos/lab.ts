import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBridge, type Bridge } from '../adapters/store-clickhouse/http-bridge.ts'
import { Company, unordered } from '../crash/company.ts'
import { differences, type Outcome } from '../crash/outcome.ts'
import { audit, runToEnd } from '../crash/processes.ts'
import { startSchemaRegistry, type SchemaRegistryService } from '../services/apicurio.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../services/kafka.ts'
import { Installation, type Times } from './installation.ts'

/** GRANTLINE_LONG=1: more than a hundred faults, in place of some thirty. */
export const isLong = process.env['GRANTLINE_LONG'] === '1'
/** of one scene, on a machine that does much else */
export const sceneMs = 900_000

/** What the scenes share: one broker, one registry, one engine, and the outcome of an undisturbed run to compare with. */
export class Lab {
  readonly kafka: KafkaCluster
  readonly registry: SchemaRegistryService
  readonly bridge: Bridge
  readonly undisturbed: Outcome
  readonly #tables: string
  static async open(): Promise<Lab> {
    const tables = mkdtempSync(join(tmpdir(), 'grantline-chaos-'))
    const [kafka, registry, bridge] = await Promise.all([fetchKafka().then((libs) => launchKafka(libs, {})), startSchemaRegistry(), openBridge(tables)])
    try {
      return new Lab({ kafka, registry, bridge }, tables, await undisturbedRun())
    } catch (error) {
      await Promise.all([kafka.stop(), registry.stop(), bridge.close()])
      throw error
    }
  }

  private constructor({ kafka, registry, bridge }: Pick<Lab, 'kafka' | 'registry' | 'bridge'>, tables: string, undisturbed: Outcome) {
    this.kafka = kafka
    this.registry = registry
    this.bridge = bridge
    this.undisturbed = undisturbed
    this.#tables = tables
  }

  /** Plays a scene on an installation of its own, lets it settle, and answers what is not as in the undisturbed run. */
  async scene(play: (of: Installation) => Promise<void>, times: Partial<Times> = {}): Promise<string[]> {
    const of = await Installation.open({ brokers: this.kafka.brokers, registry: this.registry.url, clickhouse: this.bridge.url }, times)
    try {
      await play(of)
      await of.settle()
      return differences(this.undisturbed, await of.audit(), unordered)
    } finally {
      this.bridge.fault = () => 'none'
      await of.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.kafka.stop(), this.registry.stop(), this.bridge.close()])
    rmSync(this.#tables, { recursive: true, force: true })
  }
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
