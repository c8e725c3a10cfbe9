import { roleNames } from '../../src/roles.ts'
import { startGrantline, type Grantline } from '../../src/compose.ts'
import type { LoadedConfig } from '../../src/config/load.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import { systemClock, type Clock } from '../../src/runtime/clock.ts'

export interface OnePass {
  config: LoadedConfig
  clock: Clock
  env: Readonly<Record<string, string | undefined>>
  events: ConnectEvent[]
  troubles: string[]
}

/** What `grantline run --once` does in this process, then `ask`, then it ends. */
export async function onePass<T>({ config, clock, env, events, troubles }: OnePass, ask: (grantline: Grantline) => Promise<T>): Promise<T> {
  const grantline = await startGrantline(config, {
    clock, env, release: 'test', roles: new Set(roleNames), onConnectEvent: (event) => events.push(event), onTrouble: (what) => troubles.push(what),
  })
  try {
    await Promise.race([grantline.drained(), grantline.failed])
    return await ask(grantline)
  } finally {
    await grantline.stop()
  }
}

/** The system's clock, but that its wall shows `nowMs()`. */
export const wallClock = (nowMs: () => number): Clock => ({ ...systemClock, nowMs })
