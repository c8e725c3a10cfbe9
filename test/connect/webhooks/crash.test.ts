import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFileCodec } from '../../../src/adapters/codec/avro-codec.ts'
import { openLog } from '../../../src/data-directory.ts'
import type { FaultPoint } from '../../../src/core/fault.ts'
import { readPartition } from '../../../src/runtime/records.ts'

const childFile = fileURLToPath(new URL('./taker-child.ts', import.meta.url))

let directory: string
let child: ChildProcess | null = null
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-taker-'))
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Before each of these a process dies, and another one goes on: as a delivery arrives, as it is kept, and as it becomes an observation. */
const faults: [FaultPoint, number][] = [
  ['log.before-append', 2], ['log.after-append', 3], ['connect.before-commit', 2], ['connect.after-commit', 2], ['log.after-append', 6], ['connect.before-commit', 1],
]

async function start(point: FaultPoint | 'none', nth: number): Promise<{ url: string; ended: Promise<NodeJS.Signals | null> }> {
  const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', childFile, directory, point, String(nth)], { stdio: ['pipe', 'pipe', 'inherit'] })
  child = started
  const ended = once(started, 'close').then(([, signal]) => signal as NodeJS.Signals | null)
  const url = await Promise.race([once(started.stdout, 'data').then(([chunk]) => String(chunk).trim()), ended.then((signal) => `it ended before it listened: ${signal ?? 'by itself'}`)])
  return { url, ended }
}

/** As a sender does: again until it is acknowledged, every third one twice for no reason. */
async function deliver(url: string, n: number): Promise<boolean> {
  const body = JSON.stringify(n % 10 === 7 ? { id: `u${n}` } : { id: `u${n}`, name: `User ${n}`, groups: ['all', `g${n}`] })
  const headers = { 'x-github-delivery': `d${n}`, 'x-hub-signature-256': `sha256=${createHmac('sha256', 'secret').update(body).digest('hex')}` }
  return await fetch(`${url}/v1/webhooks/app`, { method: 'POST', headers, body }).then(({ status }) => status === 204, () => false)
}

it('a delivery that was acknowledged is an observation, each once, wherever the process is killed', async () => {
  const count = 40
  const deaths: (NodeJS.Signals | null)[] = []
  let n = 0
  for (const [point, nth] of [...faults, ['none', 0] as const]) {
    const { url, ended } = await start(point, nth)
    while (n < count && child?.signalCode === null) {
      if (await deliver(url, n)) n += n % 3 === 0 && !(await deliver(url, n)) ? 0 : 1
      else await pause(20)
    }
    if (point === 'none') child?.stdin?.write('stop\n')
    const signal = await ended
    if (point === 'none') expect(signal).toBeNull()
    else deaths.push(signal)
  }
  expect(deaths).toEqual(faults.map(() => 'SIGKILL'))
  expect(n).toBe(count)

  const log = await openLog(join(directory, 'log'), 1, 'disk')
  const codec = createFileCodec(log.schemas)
  const seen: string[] = []
  for await (const { record } of readPartition(log, codec, 'raw', 0)) {
    if (record?.type === 'Account') seen.push(`${record.id} ${(record.memberships?.added ?? []).map(({ ref }) => ref.id).join(' ')}`)
  }
  const letters: string[] = []
  for await (const { record } of readPartition(log, codec, 'dead-letters', 0)) letters.push(record?.place ?? '')
  let kept = 0
  for await (const { record } of readPartition(log, codec, 'commands', 0)) if (record?.type === 'Delivery') kept += 1
  await log.close()

  const all = Array.from({ length: count }, (_, i) => i)
  expect(seen).toEqual(all.filter((i) => i % 10 !== 7).map((i) => `u${i} all g${i}`))
  expect(letters).toEqual(all.filter((i) => i % 10 === 7).map((i) => `delivery d${i}`))
  expect(kept).toBeGreaterThan(count)
}, 180_000)
