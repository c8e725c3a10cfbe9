import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StateCache } from '../../../src/adapters/log-kafka/state-cache.ts'

const id = 'task/normalise/0'
const changelog = 'state-normalise/0'
const mark = { offset: 7, atMs: 1_000 }
let path: string
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'grantline-states-'))
  await using cache = await opened()
  const { table } = await cache.of.task(id, changelog)
  await cache.of.apply(id, table, [['a/1', Uint8Array.of(1)]], mark)
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

async function opened(from = { cluster: 'cluster', log: 'a log' }): Promise<AsyncDisposable & { of: StateCache }> {
  const of = StateCache.open(path, from)
  return Promise.resolve({ of, [Symbol.asyncDispose]: () => of.close() })
}

/** How current the copy is believed to be, and its rows. */
async function found(from?: { cluster: string; log: string }, of = changelog): Promise<[typeof mark | null, string[]]> {
  await using cache = await opened(from)
  const { table, mark: current } = await cache.of.task(id, of)
  return [current, [...table.range('')].map(([key]) => key)]
}

describe('the local copy of a state', () => {
  it('is there again with its mark', async () => {
    expect(await found()).toEqual([mark, ['a/1']])
  })

  it.each([{ cluster: 'another cluster', log: 'a log' }, { cluster: 'cluster', log: 'another log' }])('is empty where it is read from $cluster, $log, and stays so', async (from) => {
    expect(await found(from)).toEqual([null, []])
    expect(await found()).toEqual([null, []])
  })

  it('is empty after a restart of the machine, which may have lost what was not synced', async () => {
    const source = join(path, 'source')
    const { boot } = JSON.parse(readFileSync(source, 'utf8')) as { boot: string }
    writeFileSync(source, readFileSync(source, 'utf8').replace(boot, 'before'))
    expect(await found()).toEqual([null, []])
  })

  it.each([['overwritten', Buffer.alloc(4096, 'x')], ['cut off in its first page', Buffer.alloc(10)]])('is empty where its file was %s', async (_, bytes) => {
    writeFileSync(join(path, 'state.mdb'), bytes)
    expect(await found()).toEqual([null, []])
  })

  it('is empty where its file was cut off in its middle', async () => {
    {
      await using cache = await opened()
      const { table } = await cache.of.task(id, changelog)
      await cache.of.apply(id, table, Array.from({ length: 1_000 }, (_, i) => [`b/${i}`, new Uint8Array(3_000)] as const), mark)
    }
    const file = join(path, 'state.mdb')
    truncateSync(file, statSync(file).size / 2)
    expect(await found()).toEqual([null, []])
  })

  it('of another changelog is not believed', async () => {
    const [current] = await found(undefined, 'state-others/3')
    expect(current).toBeNull()
  })

  it('that was being made is not believed, and is wiped whole', async () => {
    {
      await using cache = await opened()
      await cache.of.wipe(id)
      const { table } = await cache.of.task(id, changelog)
      expect([...table.range('')]).toEqual([])
      await cache.of.apply(id, table, Array.from({ length: 25_000 }, (_, i) => [`a/${i}`, Uint8Array.of(1)] as const), null)
    }
    const [current, rows] = await found()
    expect([current, rows.length]).toEqual([null, 25_000])
    await using cache = await opened()
    await cache.of.wipe(id)
    expect([...(await cache.of.task(id, changelog)).table.range('')]).toEqual([])
  })
})
