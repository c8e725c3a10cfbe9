import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig, type LoadedConfig } from '../src/config/load.ts'
import { openDataDirectory } from '../src/data-directory.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { readPartition } from '../src/runtime/records.ts'
import { onePass } from './support/one-pass.ts'

let directory: string
const log = { partitions: 1, tables: false }

async function configOf(dormantAfterDays: number): Promise<LoadedConfig> {
  const file = join(directory, 'grantline.yaml')
  writeFileSync(file, JSON.stringify({ dataDir: './data', partitions: log.partitions, http: { port: 0 }, policy: { dormantAfterDays } }))
  return loadConfig(file)
}

/** What `facts` holds, in order. */
async function facts(config: LoadedConfig): Promise<string[]> {
  const opened = await openDataDirectory(config, {}, log)
  try {
    const types: string[] = []
    for await (const { record } of readPartition(opened.log, opened.codec, 'facts', 0)) types.push(record?.type ?? '')
    return types
  } finally {
    await opened.close()
  }
}

const pass = (config: LoadedConfig): Promise<void> => onePass({ config, clock: systemClock, env: {}, events: [], troubles: [] }, async () => undefined)

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-compose-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('a process that starts with another file', () => {
  it('tells its settings before its tasks go on, so nothing is decided by those that the file no longer has', async () => {
    const first = await configOf(90)
    await pass(first)
    const before = (await facts(first)).length
    const second = await configOf(30)
    await pass(second)
    expect((await facts(second)).slice(before).slice(0, 2)).toEqual(['Setting', 'Tick'])
  })
})
