import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { CsvConfig, type CsvFile } from '../../connectors/csv/config.ts'
import { mark, newestDrop } from '../../connectors/csv/drop.ts'
import { configureApp } from '../../connectors/registry.ts'
import type { SqliteConfig } from '../../connectors/sql/config.ts'
import { AppConfig } from '../../schemas/config.ts'
import { dropDamages, type ExportedFile, type FileDamage, fileDamages, proofOf } from '../conformance/file-damage.ts'
import { harmedSubject, harming } from '../conformance/harm.ts'
import { Kit } from '../conformance/kit.ts'
import type { Scenario } from '../conformance/scenario.ts'
import { copyDatabase, sqliteScenarios } from '../conformance/sqlite-damage.ts'
import { columnsOf } from '../connect/declared/columns.ts'
import { manifestOf } from '../connect/files/file.ts'
import { runAll, withBench } from './test-outcomes.ts'

/** A copy of one file, and of the manifest beside it, that is harmed; `pristine` is never. */
interface Copy {
  /** as the settings name it */
  name: string
  pristine: string
  file: ExportedFile
  inDrop: boolean
}

/** Runs every damage of files against copies of what the application exported. Answers how many scenarios failed. */
export async function testCsv(name: string, settings: AppConfig, baseDir: string): Promise<number> {
  const config = CsvConfig.parse(settings.with)
  return await inScratch(async (scratch) => {
    const { copies, files } = await copied(config, baseDir, scratch)
    for (const { name: file, file: { proof } } of copies) {
      const blind = fileDamages.filter(({ seenBy }) => seenBy?.includes(proof) === false)
      if (blind.length > 0) console.error(`${file}: ${saidOf[proof ?? 'none']}, so nobody could tell ${blind.length} of the ways in which it is lost (${blind[0]!.name}, …); a manifest with rows and sha256 proves it`)
    }
    const scenarios = copies.flatMap((copy) =>
      [...fileDamages, ...(copy.inDrop ? dropDamages : [])].filter((damage) => canTell(damage, copy)).map(({ name: what, expected, harm }) => harming(`${copy.name}: ${what}`, expected, () => harm(copy.file))))
    return await runHarms(name, { ...settings, with: { ...config, files } }, scratch, scenarios, () => copies.forEach(restore))
  })
}

const saidOf = { digest: '', rows: 'its manifest has no sha256', trailer: 'it has no manifest, only a last line that counts its rows', none: 'it has no manifest' } as const

const canTell = ({ seenBy }: FileDamage, { file: { proof } }: Copy): boolean => seenBy?.includes(proof) !== false

/** Runs what goes wrong with database files against a copy. Answers how many scenarios failed. */
export async function testSqlite(name: string, settings: AppConfig, config: SqliteConfig, baseDir: string): Promise<number> {
  return await inScratch(async (scratch) => {
    const [pristine, file] = [join(scratch, 'pristine.db'), join(scratch, 'app.db')]
    copyDatabase(resolve(baseDir, config.file), pristine)
    const restored = (): void => copyFileSync(pristine, file)
    restored()
    return await runHarms(name, { ...settings, with: { ...config, file: 'app.db', write: [] } }, scratch, sqliteScenarios(file, config.streams.map(({ query }) => query)), restored)
  })
}

async function runHarms(name: string, settings: AppConfig, directory: string, scenarios: readonly Scenario[], restoreAll: () => void): Promise<number> {
  const app = await configureApp(name, AppConfig.parse({ ...settings, webhook: null }), directory)
  return await withBench(process.env, directory, async (options) => {
    const kit = await Kit.open(harmedSubject(name, app, restoreAll), options)
    try {
      return await runAll(scenarios.map((scenario) => ({ name: scenario.name, run: () => kit.run(scenario) })))
    } finally {
      kit.stop()
    }
  })
}

/** Each file once, in a directory of its own, and the settings that name the copies. */
async function copied(config: CsvConfig, baseDir: string, scratch: string): Promise<{ copies: Copy[]; files: CsvFile[] }> {
  const drop = await newestDrop(config.files.map(({ path }) => resolve(baseDir, path)))
  const sourceOf = ({ path }: CsvFile): string => resolve(baseDir, path).replace(mark, () => drop ?? mark)
  const sources = [...new Set(config.files.map(sourceOf))]
  const isInDrop = ({ path }: CsvFile): boolean => path.includes(mark)
  const place = (source: string): string => join(String(sources.indexOf(source)), basename(source))
  const copies = sources.map((source): Copy => {
    const of = config.files.find((file) => sourceOf(file) === source)!
    const inDrop = isInDrop(of)
    const path = join(scratch, inDrop ? 'drops/newest' : '', place(source))
    const pristine = join(scratch, 'pristine', place(source))
    for (const folder of [dirname(path), dirname(pristine)]) mkdirSync(folder, { recursive: true })
    copyWhole(source, pristine)
    return { name: of.path, pristine, inDrop, file: { path, delimiter: config.delimiter, columns: columnsOf(of), proof: proofOf(source) } }
  })
  return { copies, files: config.files.map((file) => ({ ...file, path: join(isInDrop(file) ? `drops/${mark}` : '', place(sourceOf(file))) })) }
}

const restore = ({ pristine, file: { path } }: Copy): void => copyWhole(pristine, path)

function copyWhole(from: string, to: string): void {
  copyFileSync(from, to)
  if (existsSync(manifestOf(from))) copyFileSync(manifestOf(from), manifestOf(to))
  else rmSync(manifestOf(to), { force: true })
}

async function inScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'grantline-files-'))
  try {
    return await use(scratch)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
