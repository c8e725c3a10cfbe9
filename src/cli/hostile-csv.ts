import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../config/config-error.ts'
import { dropDamages, type FileDamage, fileDamages } from '../conformance/file-damage.ts'
import { csvSettings, writeCsvFiles } from '../hostile/csv-files.ts'
import { World } from '../hostile/world.ts'

export interface CsvOptions {
  accounts: number
  drop?: string
  fault: string[]
}

const known: readonly FileDamage[] = [...fileDamages, ...dropDamages]
const meant = { exact: 'all has to be read', partial: 'the run has to be partial', refused: 'a row has to be a dead letter', safe: 'all has to be read, or the run be partial' } as const

/** Writes one drop of an application's files, what is chosen done to `users.csv`. A drop that is there already is left alone. */
export function writeHostileCsv(folder: string | undefined, { accounts, drop = new Date().toISOString().slice(0, 10), fault }: CsvOptions): void {
  if (folder === undefined) throw new ConfigError('expected the directory that drops are put into, such as ./drops')
  const damages = fault.map((name) => {
    const found = known.find((one) => one.name === name)
    if (found === undefined) throw new ConfigError(`there is no damage "${name}"; \`grantline hostile csv --list\` prints them`)
    return found
  })
  const directory = join(folder, drop)
  if (existsSync(directory)) throw new ConfigError(`${directory} is there already: name a later drop with --drop`)
  mkdirSync(directory, { recursive: true })
  writeCsvFiles(World.corpus(accounts), directory)
  const path = join(directory, 'users.csv')
  console.log(`${directory}: users.csv and members.csv of ${accounts} accounts, each with its manifest`)
  for (const { name, expected, harm } of damages) {
    const isDone = existsSync(path) && harm({ path, delimiter: ',', columns: ['id', 'name', 'active'], proof: 'digest' })
    console.log(`  users.csv: ${name} (${isDone ? meant[expected] : 'found nothing to act on'})`)
  }
}

export function listDamages(): void {
  for (const { name, expected } of known) console.log(`${name.padEnd(50)} ${expected}`)
}

/** An application of a config file. */
export function printCsvSettings(folder = '.'): void {
  console.log(JSON.stringify({ connector: 'csv', with: csvSettings(`${folder}/*/`) }, null, 2))
}
