import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'

/** What docs/durability.md says a commit costs: 4 KB appended and ten rows of state, by one task and by twelve. */
const runMs = 3_000
const partitions = Object.fromEntries(topicNames.map((topic) => [topic, 16])) as Record<Topic, number>
const rates: Record<string, Record<string, number>> = {}
for (const durability of ['disk', 'process', 'disk', 'process'] as const) {
  for (const tasks of [1, 12]) {
    const path = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'grantline-commit-rate-'))
    const log = await openEmbeddedLog({ path, partitions, durability })
    const stores = await Promise.all(Array.from({ length: tasks }, (_, task) => log.openTask(`task/${task}`)))
    const value = Buffer.alloc(4_096, 7)
    const end = performance.now() + runMs
    let commits = 0
    await Promise.all(
      stores.map(async (store, partition) => {
        for (let n = 0; performance.now() < end; n++, commits++) {
          const state = new Map(Array.from({ length: 10 }, (_, i): [string, Buffer] => [`row/${(n * 10 + i) % 5_000}`, value.subarray(0, 120)]))
          await store.commit({ appends: [{ topic: 'raw', partition, key: null, timestamp: n, value }], state })
        }
      }),
    )
    const of = (rates[durability] ??= {})
    const name = `${tasks} tasks, commits/s`
    of[name] = Math.max(of[name] ?? 0, Math.round((commits * 1_000) / runMs))
    await log.close()
    rmSync(path, { recursive: true })
  }
}
console.table(rates)
