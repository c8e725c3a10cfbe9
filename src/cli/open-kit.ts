import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileCodec } from '../adapters/codec/avro-codec.ts'
import { openLog } from '../compose.ts'
import { SkippingClock } from '../conformance/bench.ts'
import { Kit, type Subject } from '../conformance/kit.ts'
import type { Trait } from '../conformance/scenario.ts'
import type { Dialect } from '../hostile/exchange.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'
import { systemClock } from '../runtime/clock.ts'

export interface HostileSubject {
  name: string
  traits: readonly Trait[]
  dialect: (world: () => World) => Dialect
  /** the connector, configured for the application at this address */
  app: (url: string) => Promise<Subject['app']>
  env: Readonly<Record<string, string>>
}

export interface OpenKit {
  kit: Kit
  stop(): Promise<void>
}

const accounts = 23

/** The hostile application, a connector for it, and the kit over both, with a log of their own: for the tests of connectors. */
export async function openKit({ name, traits, dialect, app, env }: HostileSubject): Promise<OpenKit> {
  let world = World.corpus(accounts)
  const server = await startHostile(dialect(() => world))
  const directory = await mkdtemp(join(tmpdir(), 'grantline-conformance-'))
  const log = await openLog(join(directory, 'log'), 1, 'process')
  const stop = async (): Promise<void> => {
    await server.stop()
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
  const subject: Subject = {
    name, traits: new Set(traits), app: await app(server.url),
    arm(make) {
      world = World.corpus(accounts)
      const faults = make(world)
      server.arm(faults)
      return faults
    },
    heal: () => server.arm([]),
    stop,
  }
  try {
    const kit = await Kit.open(subject, { log, codec: createFileCodec(log.schemas), clock: new SkippingClock(systemClock), env, baseDir: directory, dataDir: directory })
    return {
      kit,
      async stop() {
        kit.stop()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
