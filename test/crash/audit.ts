import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { loadConfig } from '../../src/config/load.ts'
import { outcomeOf } from './outcome.ts'

/** Writes the outcome of a config file's data directory to a file, as JSON. A process of its own: one engine opens one directory. */
const [file, target] = process.argv.slice(2)
if (file === undefined || target === undefined) throw new Error('usage: audit <config file> <target>')
const directory = await openDataDirectory(await loadConfig(file), process.env)
const path = mkdtempSync(join(tmpdir(), 'grantline-crash-scratch-'))
const scratch = await openEmbeddedLog({ path, partitions: directory.log.partitions, durability: 'process' })
try {
  writeFileSync(target, JSON.stringify(await outcomeOf(directory, scratch)))
} finally {
  await scratch.close()
  await directory.close()
  rmSync(path, { recursive: true, force: true })
}
