import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { topicNames } from '../../schemas/wire/topics.ts'
import { openDataDirectory, openPortableLog } from '../../src/data-directory.ts'
import type { LoadedConfig } from '../../src/config/load.ts'
import { readPartition } from '../../src/runtime/records.ts'

/** Everything that an ended process keeps, in its data directory or in the services that it names, as text, by place: `topic …`, `state of …`, `table …`, `file …`. */
export async function heldTexts(config: LoadedConfig, env: Readonly<Record<string, string>> = {}): Promise<Map<string, string>> {
  const held = new Map<string, string>()
  const { log, numbers } = await openPortableLog(config, env)
  try {
    for (const topic of topicNames) {
      const records: string[] = []
      for (let partition = 0; partition < log.partitions[topic]; partition++) {
        for await (const { record } of readPartition(log, numbers.codec, topic, partition)) records.push(JSON.stringify(record))
      }
      held.set(`topic ${topic}`, records.join('\n'))
    }
    for (const task of await log.taskIds()) {
      const rows = [...(await log.openTask(task)).state.range('')]
      held.set(`state of ${task}`, rows.map(([key, value]) => `${key} ${Buffer.from(value).toString('utf8')}`).join('\n'))
    }
  } finally {
    await log.close()
  }
  const directory = await openDataDirectory(config, env, { tables: true })
  const { store } = directory
  try {
    const tables = await store.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'", {}, z.object({ name: z.string() }))
    for (const { name } of tables) {
      const rows = await store.query(`SELECT toString(tuple(*)) AS row FROM \`${name}\``, {}, z.object({ row: z.string() }))
      held.set(`table ${name}`, rows.map(({ row }) => row).join('\n'))
    }
  } finally {
    await directory.close()
  }
  for (const path of filesBelow(config.dataDir)) held.set(`file ${path.slice(config.dataDir.length + 1)}`, readFileSync(path).toString('latin1'))
  return held
}

export const filesBelow = (root: string): string[] =>
  readdirSync(root, { recursive: true }).map((name) => join(root, String(name))).filter((path) => statSync(path).isFile())

/** Places whose text has this in it. */
export const placesOf = (texts: ReadonlyMap<string, string>, needle: string): string[] => [...texts].filter(([, text]) => text.includes(needle)).map(([place]) => place)
