import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { topicNames } from '../../schemas/wire/topics.ts'
import { openLog } from '../../src/data-directory.ts'
import { EmptyTables } from '../../src/runtime/empty-tables.ts'
import { StateTable } from '../../src/runtime/state-table.ts'
import { TaskRow, taskRowKey } from '../../src/runtime/task-row.ts'
import { writeCompany } from './company.ts'
import { Shell } from './shell.ts'

let shell: Shell
beforeEach(() => {
  shell = new Shell()
  writeCompany(shell.directory)
})
afterEach(() => shell.close())

describe('grantline run that can\'t go on', { timeout: 120_000 }, () => {
  it('ends, says why, and leaves nothing held: with the tables of another log, until that one is back', async () => {
    const [log, kept] = [join(shell.directory, 'data/log'), join(shell.directory, 'kept')]
    expect((await shell.grantline('run', '--once')).code).toBe(0)
    renameSync(log, kept)
    for (const options of [['--once'], []]) {
      const refused = await shell.grantline('run', ...options)
      expect(refused.err).toMatch(/^the tables hold the rows of the log \S+, and this is the log \S+\. Restore the log that belongs to them, or begin with empty tables/m)
      expect(refused.code).toBe(1)
    }
    rmSync(log, { recursive: true })
    renameSync(kept, log)
    const again = await shell.grantline('run', '--once')
    expect(again.code).toBe(0)
    expect(again.out).toMatch(/\n2 findings open, 1 grants held/)
  })

  it('writes nothing where newer code made a state', async () => {
    expect((await shell.grantline('run', '--once')).code).toBe(0)
    const before = await withLog(async (log) => {
      const store = await log.openTask('task/normalise/1')
      const state = new StateTable(store.state, new EmptyTables(store.state))
      const row = TaskRow.parse(state.getOwn(taskRowKey))
      state.putOwn(taskRowKey, { ...row, epoch: { ...row.epoch!, version: 1_000 } } satisfies TaskRow)
      await store.commit({ appends: [], state: state.changes })
      return await endsOf(log)
    })
    for (const options of [['--once'], ['--threads', '2'], ['--roles', 'connectors']]) {
      const refused = await shell.grantline('run', ...options)
      expect(refused.err).toMatch(/^normalise \(partition 1\): the state was made by version 1000, /m)
      expect(refused.code).toBe(1)
    }
    expect(await withLog(endsOf)).toEqual(before)
  })
})

type OpenLog = Awaited<ReturnType<typeof openLog>>

async function withLog<T>(use: (log: OpenLog) => Promise<T>): Promise<T> {
  const log = await openLog(join(shell.directory, 'data/log'), 2, 'disk')
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

const endsOf = (log: OpenLog): Promise<number[]> =>
  Promise.all(topicNames.flatMap((topic) => Array.from({ length: log.partitions[topic] }, (_, partition) => log.end(topic, partition))))
