import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { topicNames } from '../../../schemas/wire/topics.ts'
import { openEmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'

/** Writes until the disk at the path given is full, makes room there, and goes on. Prints what it saw as JSON. */
const path = process.argv[2] ?? ''
const log = await openEmbeddedLog({ path, partitions: Object.fromEntries(topicNames.map((topic) => [topic, 1])) as Parameters<typeof openEmbeddedLog>[0]['partitions'], durability: 'disk' })
const id = 'task/normalise/0'
let task = await log.openTask(id)
const commit = (): Promise<unknown> =>
  task.commit({ appends: [{ topic: 'facts', partition: 0, key: null, timestamp: 1, value: randomBytes(20_000) }], state: new Map() })

let written = 0
let error = ''
while (error === '') {
  try {
    await commit()
    written++
  } catch (failure) {
    error = String(failure)
  }
}
const spent = await commit().then(() => 'written', String)
execFileSync('mount', ['-o', 'remount,size=32m', path])
task = await log.openTask(id)
await commit()
const messages = await log.read('facts', 0, 0, { maxMessages: 10_000, maxBytes: 1e9 })
console.log(JSON.stringify({ written, error, spent, offsets: messages.map(({ offset }) => offset) }))
await log.close()
