import { writeSync } from 'node:fs'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import { armFaults, type FaultPoint } from '../../src/core/fault.ts'
import { noise } from './noise.ts'

/**
 * Appends commits for ever, writing the number of each to stdout once it is acknowledged. Commit n appends n to two partitions and
 * one to 41 values to a third, and sets `n` and `row/<n mod 50>`.
 * Arguments: directory, fault point to die at or `none`, how many times to pass it before.
 */
const [path, point, passes] = process.argv.slice(2) as [string, FaultPoint | 'none', string]
const log = await openEmbeddedLog({ path, partitions: Object.fromEntries(topicNames.map((topic) => [topic, 2])) as Record<Topic, number>, durability: 'disk' })
const task = await log.openTask('writer')
const stored = task.state.get('n')
let left = Number(passes)
if (point !== 'none') {
  armFaults((reached) => {
    if (reached === point && left-- === 0) process.kill(process.pid, 'SIGKILL')
  })
}

for (let n = stored === undefined ? 0 : number(stored) + 1; ; n++) {
  const append = { key: null, timestamp: n, value: bytes(n) }
  const appends = [
    { ...append, topic: 'raw' as const, partition: 0 },
    { ...append, topic: 'facts' as const, partition: 1 },
    ...Array.from({ length: (n % 41) + 1 }, () => ({ ...append, topic: 'access' as const, partition: 0, value: noise(n, 500 * (n % 41)) })),
  ]
  await task.commit({ appends, state: new Map([['n', bytes(n)], [`row/${n % 50}`, bytes(n)]]) })
  writeSync(1, `${n}\n`)
}

function bytes(n: number): Uint8Array {
  const value = Buffer.allocUnsafe(4)
  value.writeUInt32BE(n)
  return value
}

function number(value: Uint8Array): number {
  return Buffer.from(value).readUInt32BE()
}
