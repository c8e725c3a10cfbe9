import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { createFileCodec } from '../adapters/codec/avro-codec.ts'
import { openLog } from '../compose.ts'
import { ConfigError, loadConfig } from '../config/load.ts'
import { Bench, type BenchOptions, SkippingClock } from '../conformance/bench.ts'
import { Kit, type Result, type Subject } from '../conformance/kit.ts'
import { ObserveKit, type ObserveSubject } from '../conformance/observe-kit.ts'
import { singleScenariosFor } from '../conformance/observe-scenarios.ts'
import { recordedDialect, startRecorder, type Recorder } from '../conformance/recorded.ts'
import { scenariosFor } from '../conformance/scenarios.ts'
import { originsOf } from '../connect/platform.ts'
import type { Fault } from '../hostile/fault.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'
import { systemClock } from '../runtime/clock.ts'

/**
 * Reads the application once through a recorder, and one account singly where the connector can, then runs every scenario that fits against
 * what was recorded: the application itself is asked once. Answers how many failed.
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
    const single = await recordSingle(reading, plain, recorder, options)
    const { subject, observed } = await recorded(name, recorder, through, single)
    try {
      const kit = await Kit.open(subject, options)
      const outcomes = scenariosFor(subject.traits).map((scenario) => ({ name: scenario.name, run: () => kit.run(scenario) }))
      if (observed !== null) {
        const singles = new ObserveKit(observed, options)
        outcomes.push(...singleScenariosFor(new Set()).map((scenario) => ({ name: `one account: ${scenario.name}`, run: async () => ({ scenario: scenario.name, ...(await singles.single(scenario)) }) })))
      }
      const failed = await runAll(outcomes)
      kit.stop()
      return failed
    } finally {
      await subject.stop()
    }
  } finally {
    await recorder.stop()
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
}

interface Single {
  account: string
  /** what was asked for it, and for no list: `GET /users/ann` */
  requests: ReadonlySet<string>
}

/** Null where the connector reads no single account. */
async function recordSingle({ honest }: Kit, app: Subject['app'], { recording }: Recorder, options: BenchOptions): Promise<Single | null> {
  const [account] = honest.accounts.values()
  if (account === undefined) return null
  const listed = new Set(recording.keys())
  const bench = await Bench.open(options, app, '/single')
  const { accounts } = await bench.reread([account.native])
  bench.stop()
  const requests = new Set([...recording.keys()].filter((request) => !listed.has(request)))
  return accounts.length === 0 || requests.size === 0 ? null : { account: account.native, requests }
}

/** The recorded application, at the recorder's own address: addresses in answers stay right. */
async function recorded(
  name: string, recorder: Recorder, through: (url: string) => Promise<Subject['app']>, single: Single | null,
): Promise<{ subject: Subject; observed: ObserveSubject | null }> {
  const { dialect, traits } = recordedDialect(recorder.recording, recorder.url, single?.requests ?? new Set())
  await recorder.stop()
  const server = await startHostile(dialect, { port: Number(new URL(recorder.url).port) })
  const app = await through(server.url)
  const subject: Subject = {
    name, traits: new Set(traits), app,
    arm(make) {
      const faults = make(World.corpus(0))
      server.arm(faults)
      return faults
    },
    heal: () => server.arm([]),
    stop: () => server.stop(),
  }
  const observed = single === null ? null : { name, app, account: single.account, reset: () => World.corpus(0), arm: (faults: readonly Fault[]) => server.arm(faults) }
  return { subject, observed }
}

async function runAll(chosen: readonly { name: string; run: () => Promise<Result> }[]): Promise<number> {
  let failed = 0
  let idle = 0
  for (const { name, run } of chosen) {
    const { wrong, said, fired } = await run()
    // What was recorded may hold nothing that this fault could be done to.
    if (fired === 0) {
      idle += 1
      continue
    }
    if (wrong.length > 0) failed += 1
    console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${name}${said === 'complete' || said === 'read' ? '' : ` (${said})`}`)
    for (const what of wrong) console.log(`         ${what}`)
  }
  console.log(`${chosen.length - idle - failed} passed, ${failed} failed; ${idle} found nothing to act on`)
  return failed
}
