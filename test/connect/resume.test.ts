import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SnapshotOptions } from '../../src/connect/run.ts'
import { Spool } from '../../src/connect/spool.ts'
import { type PagedServer, rowsOf, startPagedServer } from '../support/paged-server.ts'
import { Lab } from './lab.ts'
import { streamOf } from './paging/walking.ts'

let lab: Lab
let server: PagedServer
beforeEach(async () => {
  lab = new Lab()
  server = await startPagedServer(23)
})
afterEach(async () => {
  lab.dispose()
  await server.stop()
})

const all = rowsOf(23).map(({ id }) => id)
type By = Parameters<typeof streamOf>[1]

/** Two streams, users twice under two names, so that a finished one is there too. */
const open = (config: By, resumable = true): SnapshotOptions['open'] => () => Promise.resolve({
  streams: [{ ...streamOf(server, config, 5), name: 'first' }, { ...streamOf(server, config, 5), name: 'second' }],
  resumable,
  close: () => Promise.resolve(),
})

/** Stops the run, as a process that ends would, when the application is asked for the nth time. */
async function interrupted(config: By, request: number, options: Partial<SnapshotOptions> = {}, resumable = true): Promise<void> {
  const controller = new AbortController()
  server.requests.length = 0
  server.before = (count) => {
    if (count === request) controller.abort(new Error('stopping'))
  }
  await expect(lab.snapshot(open(config, resumable), { signal: controller.signal, source: await lab.source(), ...options })).rejects.toThrow('stopping')
  server.before = () => undefined
  server.requests.length = 0
}

const again = async (config: By, options: Partial<SnapshotOptions> = {}, resumable = true) => await lab.snapshot(open(config, resumable), { source: await lab.source(), ...options })
const accounts = async (): Promise<string[]> => (await lab.of('raw', 'Account')).map(({ id }) => id).sort()
const ends = async () => (await lab.of('sync-runs', 'SyncRun')).filter(({ phase }) => phase === 'end').map(({ run, reason }) => [run, reason])

describe.each<[string, By]>([['offset', { by: 'offset' }], ['cursor', { by: 'cursor' }], ['key', { by: 'key' }], ['page', { by: 'page', count: 'limit' }]])('a run that was stopped in the middle, by %s', (_, config) => {
  it('is gone on with: the same run, only what is missing is asked for, and proven as one that was not stopped', async () => {
    const whole = await again(config)
    const needed = server.requests.length
    await interrupted(config, Math.ceil(needed * 0.75))
    const result = await again(config)
    expect(result).toMatchObject({ run: 2, verdict: 'complete', error: null, pages: whole.pages })
    expect(server.requests.length).toBeLessThan(needed * 0.6)
    expect(new Set(await accounts())).toEqual(new Set(all))
    expect(await ends()).toEqual([[1, null], [2, null]])
    expect(lab.leftovers()).toEqual([])
  })
})

describe('a run that was stopped', () => {
  it('loses what the source lost meanwhile, and says so', async () => {
    await interrupted({ by: 'cursor' }, 3)
    server.rows = server.rows.filter(({ id }) => id !== 'u0020')
    server.bend = (answer) => (typeof answer.body === 'string' ? null : { ...answer, body: { ...answer.body, total: 23 } })
    expect((await again({ by: 'cursor' })).verdict).toBe('partial')
  })

  it('begins again where the source no longer knows the position', async () => {
    await interrupted({ by: 'cursor' }, 4)
    server.bend = (answer, request) => (request === 1 ? { ...answer, status: 410 } : null)
    expect(await again({ by: 'cursor' })).toMatchObject({ run: 1, verdict: 'complete', error: null })
    expect(server.fired).toBe(1)
    expect(await accounts()).toEqual(all)
  })

  it.each<[string, Partial<SnapshotOptions>, boolean]>([
    ['the settings are others', { settings: 'other' }, true],
    ['the session can’t go on', {}, false],
  ])('is abandoned where %s, and told so', async (_, options, resumable) => {
    await interrupted({ by: 'cursor' }, 4, {}, resumable)
    const result = await again({ by: 'cursor' }, options, resumable)
    expect(result).toMatchObject({ run: 2, verdict: 'complete' })
    expect(await ends()).toEqual([[1, expect.stringContaining('abandoned')], [2, null]])
    expect(lab.leftovers()).toEqual([])
  })

  it('is abandoned after a day', async () => {
    await interrupted({ by: 'cursor' }, 4)
    lab.clock.advance(86_400_001)
    expect(await again({ by: 'cursor' })).toMatchObject({ run: 2, verdict: 'complete' })
  })

  it('is abandoned where its file is damaged, or of another version', async () => {
    await interrupted({ by: 'cursor' }, 4)
    writeFileSync(join(lab.dataDir, 'spool', 'app.spool'), 'no database')
    expect(await again({ by: 'cursor' })).toMatchObject({ run: 2, verdict: 'complete' })
    await interrupted({ by: 'cursor' }, 4)
    const spool = new Spool(join(lab.dataDir, 'spool'), 'app')
    spool.save(spool.point!.replace('"version":1', '"version":2'))
    spool.suspend()
    expect(await again({ by: 'cursor' })).toMatchObject({ run: 4, verdict: 'complete' })
  })

  it('stamps run on above those that it gave out, also where the clock ran back', async () => {
    await interrupted({ by: 'cursor' }, 8)
    lab.clock.leap(-3_600_000)
    await again({ by: 'cursor' })
    const [end] = await lab.of('raw', 'RunEnd')
    for (const { observed } of await lab.of('raw', 'Account')) expect(observed).toBeLessThan(end!.observed)
  })
})

describe('a process that is killed', () => {
  it('leaves what it saved last, whole', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('resume-child.ts', import.meta.url)), lab.dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('saved 40\n')) child.kill('SIGKILL')
    })
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGKILL')
    const spool = new Spool(lab.dataDir, 'app')
    const saved = Number(spool.point)
    expect(saved).toBeGreaterThanOrEqual(40)
    expect([...spool.objects('account')]).toHaveLength(saved * 10)
    expect(spool.pagesOf(0)).toHaveLength(saved)
    spool.close()
    expect(readdirSync(lab.dataDir)).toEqual([])
  })
})
