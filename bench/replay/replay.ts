import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openLog } from '../../src/data-directory.ts'
import { untilDrained } from '../../src/runtime/drained.ts'
import { openPublisher, type Outgoing } from '../../src/runtime/publisher.ts'
import { programEnvironment, programFlags } from '../flags.ts'
import { publishResults } from '../machine.ts'
import { clock, stillThread, types } from '../still-thread.ts'
import { openTasks } from '../tasks.ts'
import { app, inThousands, type Partitions } from '../workload.ts'
import { partitionCount, type Answered, type Question } from './question.ts'
import { appsOf, intentOf, settingsOf, snapshotOf } from './several-apps.ts'

/**
 * `node bench/replay/replay.ts [people]`: `replay` of all of a log that three applications wrote, and of what one asks about: an account, a
 * person, the large and the small application. With `--apps-first` applications are read before it is known who anybody is and what is desired: then
 * every account moves home, and is judged anew by what was not about it.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'apps-first': { type: 'boolean', default: false } } })
const people = Number(positionals[0] ?? 20_000)
const appsFirst = values['apps-first']
const directory = mkdtempSync(join(tmpdir(), 'grantline-bench-replay-'))
/** of somebody who has an account in each application */
const middle = Math.floor(people / 40)
/** the same without a finding */
const plain = middle % 25 === 0 ? middle + 1 : middle
const questions: [string, Question][] = [
  ['everybody', {}],
  ['one account', { app, account: `a${plain}` }],
  ['one account with a finding', { app, account: `a${25 * Math.floor(middle / 25)}` }],
  ['one person', { identity: `p${plain}` }],
  ['a large application', { app }],
  ['a small application', { app: 'narrow' }],
]
try {
  await fill(join(directory, 'log'))
  publishResults(appsFirst ? 'replay-apps-first' : 'replay', questions.map(([question, asked]) => measure(question, asked)))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function fill(path: string): Promise<void> {
  const log = await openLog(path, partitionCount, 'process')
  const codec = createFileCodec(log.schemas)
  const apps = appsOf(people)
  const counts: Partitions = { raw: partitionCount, intent: partitionCount, facts: partitionCount }
  const publisher = await openPublisher({ log, codec, clock, id: 'bench' })
  const publish = (records: Iterable<Outgoing>): Promise<void> => publisher.publishAll(inThousands(records), 4 * 1024 * 1024)
  const drain = async (): Promise<void> => {
    const parts = openTasks({ log, codec, types, clock }, { count: 1, entry: stillThread })
    await untilDrained(parts)
    await Promise.all(parts.map((part) => part.stop()))
  }
  const told = async (records: readonly Iterable<Outgoing>[]): Promise<void> => {
    for (const one of records) await publish(one)
    await drain()
  }
  try {
    await drain() // the first ticks
    await publish(settingsOf(apps, counts))
    const intents = apps.map((one) => intentOf(one, counts))
    const snapshots = apps.map((one) => snapshotOf(one, 1, counts))
    for (const records of appsFirst ? [snapshots, intents] : [intents, snapshots]) await told(records)
  } finally {
    await log.close()
  }
}

function measure(question: string, asked: Question): Record<string, string | number> {
  const script = fileURLToPath(new URL('ask.ts', import.meta.url))
  const out = execFileSync(process.execPath, [...programFlags, script, join(directory, 'log'), JSON.stringify(asked)], { encoding: 'utf8', env: programEnvironment, stdio: ['ignore', 'pipe', 'inherit'] })
  const { seconds, cpuSeconds, memoryMb, changes, grants } = JSON.parse(out) as Answered
  const row = { question, people, seconds: rounded(seconds), 'CPU seconds': rounded(cpuSeconds), 'memory MB': Math.round(memoryMb), changes, grants }
  console.log(row)
  return row
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
