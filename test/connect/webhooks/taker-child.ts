import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { openLog } from '../../../src/data-directory.ts'
import { startScheduler } from '../../../src/connect/scheduler.ts'
import { WebhookConfig } from '../../../src/connect/webhooks/config.ts'
import { createReceiver } from '../../../src/connect/webhooks/receiver.ts'
import { armFaults, type FaultPoint } from '../../../src/core/fault.ts'
import { localApi } from '../../../src/http/local-api.ts'
import { Callers } from '../../../src/http/callers.ts'
import { createApp, serve } from '../../../src/http/server.ts'
import type { Store } from '../../../src/ports/store.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { openPublisher } from '../../../src/runtime/publisher.ts'
import { appSettings, webhook } from './taker.ts'

/**
 * Takes webhooks over HTTP and makes observations of them, until it is told on stdin to stop or kills itself. Writes its address once
 * it listens. Arguments: directory, fault point to die at or `none`, the how-manieth time.
 */
const [directory, point, nth] = process.argv.slice(2) as [string, FaultPoint | 'none', string]
const log = await openLog(join(directory, 'log'), 1, 'disk')
const codec = createFileCodec(log.schemas)
const clock = systemClock
const scheduler = await startScheduler({
  log, codec, clock, apps: [appSettings()], feeds: {}, idRules: {}, dataDir: directory, baseDir: directory, env: {}, onEvent: () => undefined, random: () => 0,
})
const publisher = await openPublisher({ log, codec, clock, id: 'http' })
// webhooks are taken without a look at the tables
const store = {} as Store
const api = localApi({ log, codec, store }, {
  clock, publisher, apps: ['app'], feeds: [], health: () => [], receivers: new Map([['app', createReceiver('app', WebhookConfig.parse(webhook), ['secret'])]]),
  postIntent: () => Promise.reject(new Error('no feed here')),
})
const server = await serve(createApp({
  api, callers: new Callers('token'),
  health: { stalled: () => Promise.resolve([]), troubles: () => Promise.resolve([]), metrics: () => Promise.reject(new Error('none')) },
  onFailed: (request, error) => { throw new Error(request, { cause: error }) },
}), '127.0.0.1', 0)
let left = Number(nth)
armFaults((reached) => {
  if (reached === point && --left === 0) process.kill(process.pid, 'SIGKILL')
})
writeSync(1, `${server.url}\n`)
process.stdin.once('data', () => void stop().then(() => process.exit(0)))

async function stop(): Promise<void> {
  await scheduler.idle()
  await scheduler.stop()
  await server.close()
  await log.close()
}
