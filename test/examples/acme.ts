import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { prepareAcme } from '../../examples/acme/prepare.ts'
import { startPortal, type Portal } from '../../examples/acme/portal/server.ts'
import { PortalData, PortalStore } from '../../examples/acme/portal/store.ts'
import type { Grantline } from '../../src/compose.ts'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { onePass, wallClock } from '../support/one-pass.ts'

const example = fileURLToPath(new URL('../../examples/acme', import.meta.url))
const adminKey = 'the-key-of-the-test'

/** The example in a directory of its own, with its portal on a free port and a clock that can be set to another day. */
export class Acme {
  readonly directory: string
  readonly portal: Portal
  readonly config: LoadedConfig
  readonly events: ConnectEvent[] = []
  readonly troubles: string[] = []
  #offsetMs = 0

  private constructor(directory: string, portal: Portal, config: LoadedConfig) {
    this.directory = directory
    this.portal = portal
    this.config = config
  }

  /**
   * `more`: lines that are added to the config file. Without `corrects`, nothing is written unasked: that would happen a minute after a
   * finding, so that a slow machine would see it in a pass in which a fast one does not.
   */
  static async open(nowMs: number, { corrects = true, more = '' } = {}): Promise<Acme> {
    const directory = mkdtempSync(join(tmpdir(), 'grantline-acme-'))
    prepareAcme(directory, nowMs)
    const data: unknown = JSON.parse(readFileSync(join(directory, 'portal', 'portal.json'), 'utf8'))
    const portal = await startPortal(new PortalStore(PortalData.parse(data)), { port: 0, adminKey })
    const text = readFileSync(join(example, 'grantline.yaml'), 'utf8')
      .replaceAll('./work', directory)
      .replace('leaver-access: auto', corrects ? 'leaver-access: auto' : 'leaver-access: observe')
      .replace('http://127.0.0.1:7411', portal.url)
      .replaceAll('./portal/connector.ts', join(example, 'portal', 'connector.ts'))
    const file = join(directory, 'grantline.yaml')
    writeFileSync(file, `${text}\n${more}`)
    const acme = new Acme(directory, portal, await loadConfig(file))
    acme.setNow(nowMs)
    return acme
  }

  /** The wall clock shows this now, and goes on from there. */
  setNow(ms: number): void {
    this.#offsetMs = ms - Date.now()
  }

  readonly clock = wallClock(() => Date.now() + this.#offsetMs)

  /** What `grantline run --once` does, then `ask`, then it ends. */
  async once<T>(ask: (grantline: Grantline) => Promise<T>): Promise<T> {
    return await onePass({ config: this.config, clock: this.clock, env: { ACME_PORTAL_KEY: adminKey }, events: this.events, troubles: this.troubles }, ask)
  }

  /** The same systems and config, with a data directory of its own: another machine. */
  elsewhere(): Acme {
    const other = new Acme(this.directory, this.portal, { ...this.config, dataDir: join(this.directory, 'elsewhere') })
    other.#offsetMs = this.#offsetMs
    return other
  }

  async close(): Promise<void> {
    await this.portal.close()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export interface OpenFinding {
  id: string
  kind: string
  app: string | null
  account: string | null
  identity: string | null
  entitlement: string | null
  object: string | null
  since: number
}

export async function openFindings({ api }: Grantline): Promise<OpenFinding[]> {
  return JSON.parse(await wholeText((await api.report('findings', { limit: '100000' }, 'json', 0)).text)) as OpenFinding[]
}

/** A finding as the answer files name it. */
export const nameOf = (of: { kind: string; app: string | null; account: string | null; identity: string | null; entitlement: string | null; object: string | null }): string =>
  [of.kind, of.app, of.account, of.identity, of.entitlement, of.object].map((part) => part ?? '').join(' | ')

/** The names in an answer file, sorted. */
export function answers(name: 'answers.csv' | 'answers-week.csv'): string[] {
  const rows = parse<Record<'kind' | 'app' | 'account' | 'identity' | 'entitlement' | 'object', string>>(readFileSync(join(example, 'seed', name)), { columns: true })
  return rows.map(nameOf).sort()
}
