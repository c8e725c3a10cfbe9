import type { WriteResult, WriteVerdict } from '../../../schemas/wire/actions.ts'
import type { Operation } from '../../../schemas/wire/operations.ts'
import type { WriteCommand } from '../../../src/connect/writes/journal.ts'
import { WriteExecutor, type ExecutorOptions } from '../../../src/connect/writes/executor.ts'
import type { ConnectEvent } from '../../../src/connect/events.ts'
import { WritableApp, openWritable } from '../../support/writable-app.ts'
import { Lab } from '../lab.ts'

const operation = (name: Operation['name'], account: string, role: string | null): Operation => ({
  name, account, ref: role === null ? null : { kind: 'role', id: role }, credential: null, attributes: {},
})
export const grant = (account: string, role: string): Operation => operation('grant', account, role)
export const revoke = (account: string, role: string): Operation => operation('revoke', account, role)
export const create = (account: string): Operation => operation('create-account', account, null)
export const disable = (account: string): Operation => operation('disable-account', account, null)

let ids = 0
export function command(...operations: Operation[]): WriteCommand {
  const id = `c${ids++}`
  return {
    id, position: { topic: 'commands', partition: 0, offset: ids, index: 0 }, finding: `f-${id}`, version: 'v1',
    account: operations[0]?.account ?? '', operations,
  }
}

/** An application that is really there, and whoever owns it at the moment; each `owner()` takes it over. */
export class Bench {
  readonly app = new WritableApp()
  readonly lab = new Lab(1)
  readonly events: ConnectEvent[] = []
  #url = ''

  static async open(...users: string[]): Promise<Bench> {
    const bench = new Bench()
    bench.#url = await bench.app.start()
    for (const user of users) bench.app.add(user)
    return bench
  }

  async owner(options: Partial<ExecutorOptions> & { readsOne?: boolean; writes?: boolean } = {}): Promise<WriteExecutor> {
    const source = await this.lab.source()
    return new WriteExecutor({
      source, open: () => openWritable(this.#url, options), canonical: (native) => native.toUpperCase(), visibilityMs: 60_000, leaseMs: 30_000, takeoverMs: 0,
      signal: this.lab.controller.signal, onEvent: (event) => this.events.push(event), ...options,
    })
  }

  results(): Promise<WriteResult[]> {
    return this.lab.of('actions', 'WriteResult')
  }

  async verdicts(): Promise<WriteVerdict[]> {
    return (await this.results()).map(({ verdict }) => verdict)
  }

  /** Marks on raw: what was read back is shown with the roles it had. */
  async marks(): Promise<(string[] | null)[]> {
    return (await this.lab.of('raw', 'Written')).map(({ seen }) => (seen === null ? null : (seen.memberships?.added.map(({ ref }) => ref.id) ?? [])))
  }

  async close(): Promise<void> {
    await this.app.stop()
    this.lab.dispose()
  }
}
