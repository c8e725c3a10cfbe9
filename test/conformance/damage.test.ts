import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { dropDamages, fileDamages } from '../../src/conformance/file-damage.ts'
import { harmedSubject, harming } from '../../src/conformance/harm.ts'
import { Kit } from '../../src/conformance/kit.ts'
import type { Scenario } from '../../src/conformance/scenario.ts'
import { sqliteScenarios } from '../../src/conformance/sqlite-damage.ts'
import { csvSettings, writeCsvFiles } from '../../src/hostile/csv-files.ts'
import { World } from '../../src/hostile/world.ts'
import { broken } from './broken.ts'
import { Workbench } from './workbench.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-damage-'))
const [drops, database] = [join(directory, 'drops'), join(directory, 'app.db')]
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const files = { 'users.csv': ['id', 'name', 'active'], 'members.csv': ['user', 'group'] }
const csvScenarios = Object.entries(files).flatMap(([name, columns]) =>
  [...fileDamages, ...dropDamages].map((damage) =>
    harming(`${name}: ${damage.name}`, damage.expected, () => damage.harm({ path: join(drops, '2026-11-26', name), delimiter: ',', columns, proof: 'digest' }))))

function writeCsv(): void {
  mkdirSync(join(drops, '2026-11-26'), { recursive: true })
  writeCsvFiles(World.corpus(23), join(drops, '2026-11-26'))
}

function writeSqlite(): void {
  rmSync(database, { force: true })
  const world = World.corpus(23)
  withDatabase((db) => {
    db.exec('CREATE TABLE users (id TEXT, name TEXT, active TEXT); CREATE TABLE members (user TEXT, team TEXT)')
    const user = db.prepare('INSERT INTO users VALUES (?, ?, ?)')
    for (const { id, name, active } of world.users.values()) user.run(id, name, active ? 'yes' : 'no')
    const member = db.prepare('INSERT INTO members VALUES (?, ?)')
    for (const group of world.groups.values()) for (const id of group.members) member.run(id, group.id)
  })
}

function withDatabase(act: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(database)
  act(db)
  db.close()
}
const sql = (text: string) => (): boolean => {
  withDatabase((db) => db.exec(text))
  return true
}

const streams = [
  { name: 'users', piece: 'account', query: 'SELECT id, name, active FROM users ORDER BY id', columns: { id: 'id', display: 'name', status: 'active' }, translate: { status: { yes: 'active', no: 'disabled' } } },
  { name: 'members', piece: 'membership', query: 'SELECT user, team FROM members ORDER BY user, team', columns: { account: 'user', id: 'team' }, defaults: { kind: 'group' } },
]

writeSqlite()
const sqlScenarios = [
  ...sqliteScenarios(database, streams.map(({ query }) => query)),
  harming('an id is NULL', 'partial', sql("UPDATE users SET id = NULL WHERE id = '000123'")),
  harming('an id is empty', 'partial', sql("UPDATE users SET id = '' WHERE id = '000123'")),
  harming('a value that nobody knows', 'refused', sql("UPDATE users SET active = 'maybe' WHERE id = '000123'")),
  harming('the same user twice, told in two ways', 'safe', sql("INSERT INTO users VALUES ('000123', 'Another Name', 'yes')")),
]

describe.each<{ kind: string; baseDir: string; write: () => void; scenarios: readonly Scenario[]; settings: object }>([
  { kind: 'csv', baseDir: drops, write: writeCsv, scenarios: csvScenarios, settings: csvSettings('*/') },
  { kind: 'sql', baseDir: directory, write: writeSqlite, scenarios: sqlScenarios, settings: { driver: 'sqlite', file: 'app.db', streams } },
])('$kind', ({ kind, baseDir, write, scenarios, settings }) => {
  const bench = new Workbench()
  let kit: Kit
  beforeAll(async () => {
    const app = await configureApp('app', AppConfig.parse({ connector: kind, with: settings }), baseDir)
    kit = await Kit.open(harmedSubject(kind, app, write), { ...bench.options, baseDir })
  })
  afterAll(() => {
    kit.stop()
    bench.dispose()
  })

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    const result = await kit.run(scenario)
    expect(result.wrong, `the run said: ${result.said}`).toEqual([])
  })
})

it('fails a connector that takes an error for the end of a file', async () => {
  const bench = new Workbench()
  const app = broken('swallows errors')(await configureApp('app', AppConfig.parse({ connector: 'csv', with: csvSettings('*/') }), drops))
  const kit = await Kit.open(harmedSubject('csv', app, writeCsv), { ...bench.options, baseDir: drops })
  const failed: string[] = []
  for (const scenario of csvScenarios.slice(0, fileDamages.length)) if ((await kit.run(scenario)).wrong.length > 0) failed.push(scenario.name.replace('users.csv: ', ''))
  kit.stop()
  bench.dispose()
  // Where not even a first page comes, or a row is rejected, the platform does not need the connector to see it.
  expect(failed).toEqual([
    'the file ends between two rows', 'only the header is left', 'one row is gone', 'one row came twice and another one is gone', 'a row was added that is there already',
    'the manifest is of another file', 'the manifest counts one row more',
  ])
})
