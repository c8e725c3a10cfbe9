import { openPortableLog } from '../compose.ts'
import { ConfigError, loadConfig } from '../config/load.ts'
import type { MoveProgress } from '../move/errors.ts'
import { exportLog, type Moved } from '../move/export-log.ts'
import { importLog } from '../move/import-log.ts'
import type { PortableLog } from '../ports/portable-log.ts'
import { releaseOf } from './release.ts'
import { sayNowAndThen } from './terminal.ts'

/** Writes the log that the config file names into a directory: every message at its offset, and every state. */
export async function exportTo(configFile: string, directory: string): Promise<void> {
  await withLog(configFile, async (log, onProgress) => {
    const moved = await exportLog({ log, directory, release: releaseOf(), now: Date.now(), onProgress })
    console.log(`${directory}: ${tell(moved)}; \`sha256sum -c SHA256SUMS\` there checks it`)
  })
}

/** Fills the empty log that the config file names with an export. */
export async function importFrom(configFile: string, directory: string): Promise<void> {
  await withLog(configFile, async (log, onProgress) => {
    const moved = await importLog({ log, directory, onProgress })
    console.log(`${tell(moved)}, at the offsets that they had; \`grantline verify\` compares it all, \`grantline run\` goes on`)
  })
}

async function withLog(configFile: string, use: (log: PortableLog, onProgress: (progress: MoveProgress) => void) => Promise<void>): Promise<void> {
  const config = await loadConfig(configFile)
  if (config.registry !== null) {
    throw new ConfigError(`${configFile}: registry: messages name schemas by the registry's numbers, which mean nothing elsewhere. A log with a registry can't be exported or imported`)
  }
  const say = sayNowAndThen()
  const log = await openPortableLog(config, process.env, { onRestore: ({ task, offset, end }) => say(`  copying the state of ${task}: ${offset} of ${end}`) })
  try {
    await use(log, ({ place, done, of }) => say(`  ${place}: ${done}${of === 0 ? '' : ` of ${of}`}`))
  } finally {
    await log.close()
  }
}

const tell = ({ messages, tasks, rows }: Moved): string => `${messages} messages, ${rows} rows of the states of ${tasks} tasks`
