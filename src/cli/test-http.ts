import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { Bench, type BenchOptions } from '../conformance/bench.ts'
import { Kit, type Subject } from '../conformance/kit.ts'
import { ObserveKit, type ObserveSubject } from '../conformance/observe-kit.ts'
import { singleScenariosFor } from '../conformance/observe-scenarios.ts'
import { recordedDialect, type Recorder, type Recording, startRecorder } from '../conformance/recorded.ts'
import { readRecording, writeRecording } from '../conformance/recording-files.ts'
import { standIn } from '../conformance/recording-mask.ts'
import { scenariosFor } from '../conformance/scenarios.ts'
import { originsOf } from '../connect/platform.ts'
import { resolveSecret, secretReference } from '../connect/secrets.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'
import { runAll, type Trial, withBench } from './test-outcomes.ts'

export interface HttpTestOptions {
  /** directory that what was answered is kept in, without secrets */
  record?: string
  /** directory of such a recording, which stands for the application */
  recorded?: string
}

/** The application as its settings have it, but at another address. */
type Through = (url: string) => Promise<Subject['app']>

/**
 * Reads the application once through a recorder, and one account singly where the connector can, then runs every scenario that fits against
 * what was recorded: the application itself is asked once, or not at all. Answers how many failed.
 */
export async function testHttp(name: string, settings: AppConfig, baseDir: string, { record, recorded }: HttpTestOptions): Promise<number> {
  const [origin, ...others] = [...originsOf(settings.with)]
  if (origin === undefined) throw new ConfigError(`${name} is not asked by HTTP, so no fault can be put in between; \`connector probe ${name}\` measures what it does`)
  if (others.length > 0) throw new ConfigError(`${name} is asked at ${others.length + 1} hosts; one can be recorded: give its token by reference for the test (auth: bearer)`)
  const at = (withSettings: unknown): Through => (url) =>
    configureApp(name, AppConfig.parse({ ...settings, webhook: null, with: JSON.parse(JSON.stringify(withSettings).replaceAll(origin, url)) as unknown }), baseDir)
  const own = at(settings.with)
  const without = at(withoutSecrets(settings.with))
  return await withBench({ ...process.env, [standInName]: standIn }, baseDir, async (options) => {
    if (recorded !== undefined) return await runOn(name, await readRecording(recorded), without, options)
    console.error(`reading ${name} once, at ${origin}`)
    const recording = await recordAll(name, origin, own, options)
    if (record === undefined) return await runOn(name, recording, own, options)
    await writeRecording(record, recording, await secretsOf(settings.with, options))
    console.error(`${recording.answers.size} answers are in ${record}, without secrets; names of people are in it as the application told them`)
    return await runOn(name, await readRecording(record), without, options)
  })
}

async function recordAll(name: string, origin: string, through: Through, options: BenchOptions): Promise<Recording> {
  const recorder = await startRecorder(origin)
  try {
    const app = await through(recorder.url)
    const reading = await Kit.open({ name, traits: new Set(), app, arm: () => [], heal: () => undefined, stop: async () => undefined }, options)
    reading.stop()
    return { single: await recordSingle(reading, app, recorder, options), answers: recorder.answers }
  } finally {
    await recorder.stop()
  }
}

/** Null where the connector reads no single account. */
async function recordSingle({ honest }: Kit, app: Subject['app'], { answers }: Recorder, options: BenchOptions): Promise<Recording['single']> {
  const [account] = honest.accounts.values()
  if (account === undefined) return null
  const listed = new Set(answers.keys())
  const isRead = await rereadOne(app, account.native, options)
  const requests = new Set([...answers.keys()].filter((request) => !listed.has(request)))
  return isRead && requests.size > 0 ? { account: account.native, requests } : null
}

/** False where the connector reads no account singly. */
async function rereadOne(app: Subject['app'], account: string, options: BenchOptions): Promise<boolean> {
  const bench = await Bench.open(options, app, '/single')
  const { accounts } = await bench.reread([account])
  bench.stop()
  return accounts.length > 0
}

async function runOn(name: string, recording: Recording, through: Through, options: BenchOptions): Promise<number> {
  const { dialect, traits } = recordedDialect(recording)
  const server = await startHostile(dialect)
  try {
    const app = await through(server.url)
    const subject: Subject = {
      name: `what ${name} answered`, traits: new Set(traits), app,
      arm(make) {
        const faults = make(World.corpus(0))
        server.arm(faults)
        return faults
      },
      heal: () => server.arm([]),
      stop: () => server.stop(),
    }
    const kit = await Kit.open(subject, options)
    const trials: Trial[] = scenariosFor(subject.traits).map((scenario) => ({ name: scenario.name, run: () => kit.run(scenario) }))
    const { single } = recording
    if (single !== null && (await rereadOne(app, single.account, options))) {
      trials.push(...singles({ name, app, account: single.account, reset: () => World.corpus(0), arm: (faults) => server.arm(faults) }, options))
    }
    try {
      return await runAll(trials)
    } finally {
      kit.stop()
    }
  } finally {
    await server.stop()
  }
}

function singles(subject: ObserveSubject, options: BenchOptions): Trial[] {
  const kit = new ObserveKit(subject, options)
  return singleScenariosFor(new Set()).map((scenario) => ({ name: `one account: ${scenario.name}`, run: async () => ({ scenario: scenario.name, ...(await kit.single(scenario)) }) }))
}

const standInName = 'GRANTLINE_RECORDED'
const isReference = (value: unknown): value is string => secretReference.safeParse(value).success

/** Settings whose secrets are what stands for them in a recording: none of them has to be there. */
const withoutSecrets = (settings: unknown): unknown => JSON.parse(JSON.stringify(settings), (_, value: unknown) => (isReference(value) ? `env:${standInName}` : value)) as unknown

/** Every secret that the settings refer to. */
async function secretsOf(settings: unknown, { env, baseDir }: BenchOptions): Promise<string[]> {
  const references = new Set<string>()
  JSON.stringify(settings, (_, value: unknown) => {
    if (isReference(value)) references.add(value)
    return value
  })
  const resolved = await Promise.allSettled([...references].map((reference) => resolveSecret(reference, { env, baseDir })))
  return resolved.flatMap((one) => (one.status === 'fulfilled' ? [one.value.reveal()] : []))
}
