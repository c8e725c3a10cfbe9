import { copyEmbeddedLog } from '../adapters/log-embedded/copy.ts'
import { logDirectory, openPortableLog } from '../data-directory.ts'
import { loadConfig } from '../config/load.ts'
import { MoveError, type MoveProgress } from '../move/errors.ts'
import { exportLog, type Moved } from '../move/export-log.ts'
import { importLog } from '../move/import-log.ts'
import type { PortableLog, SchemaNumbers } from '../ports/portable-log.ts'
import { releaseOf } from './release.ts'
import { sayHowFar } from './terminal.ts'

/** Writes the log that the config file names into a directory: every message at its offset, and every state. */
export async function exportTo(configFile: string, directory: string): Promise<void> {
  await withLog(configFile, async (of) => {
    const moved = await exportLog({ ...of, directory, release: releaseOf(), now: Date.now() })
    console.log(`${directory}: ${tell(moved)}; \`sha256sum -c SHA256SUMS\` there checks it`)
  })
}

/** Fills the empty log that the config file names with an export. */
export async function importFrom(configFile: string, directory: string): Promise<void> {
  await withLog(configFile, async (of) => {
    const moved = await importLog({ ...of, directory })
    console.log(`${tell(moved)}, at the offsets that they had; \`grantline verify\` compares it all, \`grantline run\` goes on`)
  })
}

/** Copies the log of the data directory that the config file names into a directory that is a data directory then, whatever works on it meanwhile. */
export async function backUpTo(configFile: string, directory: string): Promise<void> {
  const { dataDir, kafka } = await loadConfig(configFile)
  if (kafka !== null) throw new MoveError('the log is on Kafka, whose brokers keep its copies (replication). `grantline log export` writes all of it into a directory while nothing runs')
  const say = sayHowFar()
  const bytes = await copyEmbeddedLog({
    path: logDirectory(dataDir), target: logDirectory(directory),
    onProgress: (done, of) => say({ place: 'MB copied', done: Math.round(done / 1e6), of: Math.round(of / 1e6), besides: 'less where pages are free' }),
  })
  console.log(`${directory}: ${(bytes / 1e6).toFixed(1)} MB, the log as it stood at one moment. As \`dataDir\` of a config file it goes on from there; \`grantline verify\` checks it`)
}

interface Opened {
  log: PortableLog
  numbers: SchemaNumbers
  onProgress: (progress: MoveProgress) => void
}

async function withLog(configFile: string, use: (of: Opened) => Promise<void>): Promise<void> {
  const config = await loadConfig(configFile)
  const say = sayHowFar()
  const { log, numbers } = await openPortableLog(config, process.env, { onRestore: ({ task, offset, end }) => say({ place: `copying the state of ${task}`, done: offset, of: end }) })
  try {
    await use({ log, numbers, onProgress: say })
  } finally {
    await log.close()
  }
}

const tell = ({ messages, tasks, rows }: Moved): string => `${messages} messages, ${rows} rows of the states of ${tasks} tasks`
