import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { createFileCodec } from '../adapters/codec/avro-codec.ts'
import { openLog } from '../compose.ts'
import { ConfigError, loadConfig } from '../config/load.ts'
import { SkippingClock } from '../conformance/bench.ts'
import { Kit, type Subject } from '../conformance/kit.ts'
import { recordedDialect, startRecorder, type Recorder } from '../conformance/recorded.ts'
import { scenariosFor } from '../conformance/scenarios.ts'
import { originsOf } from '../connect/platform.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'
import { systemClock } from '../runtime/clock.ts'

/**
 * Reads the application once through a recorder, then runs every scenario that fits against what was recorded: the application itself is
 * asked once. Answers how many failed.
 */
export async function testConnector(configFile: string, name: string): Promise<number> {
  const config = await loadConfig(configFile)
  const settings = config.apps[name]
  if (settings === undefined) throw new ConfigError(`there is no application ${name}; there are ${Object.keys(config.apps).join(', ')}`)
  const [origin, ...others] = [...originsOf(settings.with)]
  if (origin === undefined) throw new ConfigError(`${name} is not asked by HTTP, so no fault can be put in between; \`connector probe ${name}\` measures what it does`)
  if (others.length > 0) throw new ConfigError(`${name} is asked at ${others.length + 1} hosts; one can be recorded: give its token by reference for the test (auth: bearer)`)
  const through = (url: string): Promise<Subject['app']> =>
    configureApp(name, AppConfig.parse({ ...settings, webhook: null, with: JSON.parse(JSON.stringify(settings.with).replaceAll(origin, url)) as unknown }), config.baseDir)
  const recorder = await startRecorder(origin)
  const directory = await mkdtemp(join(tmpdir(), 'grantline-conformance-'))
  const log = await openLog(join(directory, 'log'), 1, 'process')
  const options = { log, codec: createFileCodec(log.schemas), clock: new SkippingClock(systemClock), env: process.env, baseDir: config.baseDir, dataDir: directory }
  try {
    console.error(`reading ${name} once, at ${origin}`)
    const plain = await through(recorder.url)
    const reading = await Kit.open({ name, traits: new Set(), app: plain, arm: () => [], heal: () => undefined, stop: async () => undefined }, options)
    reading.stop()
    const subject = await recorded(name, recorder, through)
    try {
      return await runAll(await Kit.open(subject, options), subject)
    } finally {
      await subject.stop()
    }
  } finally {
    await recorder.stop()
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The recorded application, at the recorder's own address: addresses in answers stay right. */
async function recorded(name: string, recorder: Recorder, through: (url: string) => Promise<Subject['app']>): Promise<Subject> {
  const { dialect, traits } = recordedDialect(recorder.recording, recorder.url)
  await recorder.stop()
  const server = await startHostile(dialect, { port: Number(new URL(recorder.url).port) })
  return {
    name, traits: new Set(traits), app: await through(server.url),
    arm(make) {
      const faults = make(World.corpus(0))
      server.arm(faults)
      return faults
    },
    heal: () => server.arm([]),
    stop: () => server.stop(),
  }
}

async function runAll(kit: Kit, subject: Subject): Promise<number> {
  const chosen = scenariosFor(subject.traits)
  let failed = 0
  let idle = 0
  for (const scenario of chosen) {
    const { wrong, said, fired } = await kit.run(scenario)
    // What was recorded may hold nothing that this fault could be done to.
    if (fired === 0) {
      idle += 1
      continue
    }
    if (wrong.length > 0) failed += 1
    console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${scenario.name}${said === 'complete' ? '' : ` (${said})`}`)
    for (const what of wrong) console.log(`         ${what}`)
  }
  kit.stop()
  console.log(`${chosen.length - idle - failed} passed, ${failed} failed; ${idle} found nothing to act on`)
  return failed
}
