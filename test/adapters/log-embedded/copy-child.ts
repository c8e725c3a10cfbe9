import { existsSync, readdirSync } from 'node:fs'
import { copyEmbeddedLog } from '../../../src/adapters/log-embedded/copy.ts'

/** Copies a log; where that fails, prints why and what it left. Arguments: the log's directory, the copy's. */
const [path, target] = process.argv.slice(2) as [string, string]
try {
  await copyEmbeddedLog({ path, target, onProgress: () => undefined })
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message, left: existsSync(target) ? readdirSync(target) : [] }))
}
