import { configureApp } from '../../connectors/registry.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load.ts'
import { createPlatform } from '../connect/platform.ts'
import { type Profile, type StreamProfile, probe } from '../connect/probe.ts'
import { keepProfile } from '../connect/profiles.ts'
import { Limiter } from '../connect/throttle/limiter.ts'
import { systemClock } from '../runtime/clock.ts'

/** Measures what an application really does, prints it and keeps it as the application's profile. */
export async function probeApp(configFile: string, name: string, output: 'table' | 'json'): Promise<void> {
  const config = await loadConfig(configFile)
  const settings = config.apps[name]
  if (settings === undefined) throw new ConfigError(`there is no application ${name}; there are ${Object.keys(config.apps).join(', ')}`)
  const app = await configureApp(name, settings, config.baseDir)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new Error('stopped'))
  process.once('SIGINT', onSignal)
  try {
    const platform = createPlatform({
      app: name, config: app.config, clock: systemClock, signal: stop.signal, env: process.env, baseDir: config.baseDir,
      limiter: new Limiter({ clock: systemClock, ...app.limits }),
      onWait: ({ place, reason, waitMs }) => console.error(`  ${place}: ${reason}; again in ${Math.ceil(waitMs / 1_000)} s`),
    })
    const profile = await probe((opened) => app.open(opened), platform, systemClock, (step) => console.error(`  measuring ${name}: ${step}`))
    const file = await keepProfile(config.dataDir, profile)
    process.stdout.write(output === 'json' ? `${JSON.stringify(profile, null, 2)}\n` : text(profile))
    console.error(`kept in ${file}`)
  } finally {
    process.off('SIGINT', onSignal)
  }
}

function text(profile: Profile): string {
  const { app, streams, finds, saysAbsent, tellsChanges, operations, rateHeaders, limit, advice } = profile
  const lines = [
    app,
    ...streams.flatMap(streamLines),
    `  single reads      ${finds === null ? 'not offered' : `a listed account ${finds ? 'is found' : 'is NOT found'}, an unknown one ${saysAbsent === true ? 'is told as absent' : 'is NOT told as absent'}`}`,
    `  changes           ${tellsChanges ? 'told' : 'not told: the next snapshot shows them'}`,
    `  writes            ${operations.length === 0 ? 'none' : operations.join(', ')}`,
    `  rate headers      ${rateHeaders.length === 0 ? 'none' : rateHeaders.join(', ')}${limit === null ? '' : ` (limit ${limit})`}`,
    ...advice.map((line) => `  ! ${line}`),
  ]
  return `${lines.join('\n')}\n`
}

function streamLines(of: StreamProfile): string[] {
  const say = (known: boolean | null, yes: string, no: string): string => (known === null ? 'not measurable here' : known ? yes : no)
  return [
    `  ${of.stream}`,
    `    walked          ${of.rows} rows on ${of.pages} pages, ${of.msPerPage} ms a page${of.ended ? ', to the end' : ', not to the end'}`,
    `    page size       ${of.sizes.length === 0 ? `up to ${of.largestPage}` : of.sizes.map(({ asked, came }) => `asked ${asked}, came ${came ?? 'an error'}`).join('; ')}`,
    `    total           ${of.total === null ? 'not told' : `${of.total}, ${say(of.totalHonest, 'honest', 'NOT what came')}`}`,
    `    order           ${say(of.stable, 'the same again', 'NOT the same again')}`,
    `    position        ${say(of.resumes, 'honoured', 'NOT honoured')}`,
    `    proof           ${of.proof}${of.verdict === null ? '' : `: ${of.verdict}${of.reason === null ? '' : ` (${of.reason})`}`}`,
  ]
}
