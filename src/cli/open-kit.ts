import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileCodec } from '../adapters/codec/avro-codec.ts'
import { openLog } from '../data-directory.ts'
import { SkippingClock } from '../conformance/bench.ts'
import { Kit, type Subject } from '../conformance/kit.ts'
import { ObserveKit } from '../conformance/observe-kit.ts'
import type { Trait } from '../conformance/scenario.ts'
import { WriteKit, type WriteSubject } from '../conformance/write-kit.ts'
import type { Dialect } from '../hostile/exchange.ts'
import type { Fault } from '../hostile/fault.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'
import { systemClock } from '../runtime/clock.ts'

interface HostileSubject {
  name: string
  traits: readonly Trait[]
  dialect: (world: () => World) => Dialect
  /** the connector, configured for the application at this address */
  app: (url: string) => Promise<Subject['app']>
  /** what the connector calls a group of the corpus; absent: a group of its id */
  called?: WriteSubject['called']
  env: Readonly<Record<string, string>>
}

export interface OpenKit {
  kit: Kit
  /** single reads, and questions for changes */
  observe: ObserveKit
  /** what the connector writes */
  writes: WriteKit
  stop(): Promise<void>
}

const accounts = 23

/** The hostile application, a connector for it, and the kits over both, with a log of their own: for the tests of connectors. */
export async function openKit({ name, traits, dialect, app, called, env }: HostileSubject): Promise<OpenKit> {
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
    const options = { log, codec: createFileCodec(log.schemas), clock: new SkippingClock(systemClock), env, baseDir: directory, dataDir: directory }
    const kit = await Kit.open(subject, options)
    const fresh = {
      name, app: subject.app, reset: () => (world = World.corpus(accounts)), arm: (faults: readonly Fault[]) => server.arm(faults), unanswered: () => server.unanswered,
      ...(called !== undefined && { called }),
    }
    return {
      kit,
      observe: new ObserveKit(fresh, options),
      writes: new WriteKit(fresh, options),
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
