import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { FaultPoint } from '../../src/core/fault.ts'
import { audit, fill, partitions, SmallReads, tempDir } from './world.ts'

const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))

/** How the child ended: the signal, or `exit` and its code. `killAfterMs`: counted from when its sink runs. */
function run(args: readonly string[], killAfterMs: number | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    process_.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    process_.stdout.once('data', () => {
      if (killAfterMs !== null) setTimeout(() => process_.kill('SIGKILL'), killAfterMs)
    })
    process_.once('error', reject)
    process_.once('exit', (code, signal) => (code !== null && code !== 0 ? reject(new Error(errors)) : resolve(signal ?? `exit ${code}`)))
  })
}

it('holds every record once after 15 kills of the process, at each fault point and in between', { timeout: 240_000 }, async () => {
  const dir = tempDir()
  const points: FaultPoint[] = ['sink.before-claim', 'sink.after-claim', 'sink.before-insert', 'sink.after-insert']
  let kills = 0
  let messages = 0
  for (let round = 0; round < 15; round++) {
    messages += 20
    const inBetween = round % 3 === 2
    const point = inBetween ? 'none' : points[(round - Math.floor(round / 3)) % points.length]!
    const passing = point.endsWith('claim') ? 1 + (round % 6) : 2 + (round % 9)
    const end = await run([dir.path, String(messages), point, String(passing)], inBetween ? 5 + 11 * round : null)
    if (end === 'SIGKILL') kills++
  }
  expect(kills).toBe(15)
  expect(await run([dir.path, String(messages), 'none', '0'], null)).toBe('exit 0')

  const log = new SmallReads(partitions)
  await fill(log, 0, messages)
  const store = await openStore({ path: dir.path })
  expect(await audit(store, log)).toEqual([])
  await store.close()
  dir.remove()
})
