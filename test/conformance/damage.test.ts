import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { Kit, type Subject } from '../../src/conformance/kit.ts'
import type { Expected } from '../../src/conformance/scenario.ts'
import { Fault } from '../../src/hostile/fault.ts'
import { World } from '../../src/hostile/world.ts'
import { Workbench } from './workbench.ts'

/** What happens to the files of an application before they are read. */
class Damage extends Fault {
  readonly #harm: (directory: string) => void

  constructor(name: string, harm: (directory: string) => void) {
    super(name, { times: 0 }, () => null)
    this.#harm = harm
  }

  do(directory: string): void {
    this.#harm(directory)
    this.fired += 1
  }
}

type Case = [name: string, expected: Expected, harm: (directory: string) => void]

const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`
const lines = (rows: string[][]): string => `${rows.map((row) => row.map(cell).join(',')).join('\n')}\n`

function writeCsv(directory: string): void {
  const world = World.corpus(23)
  const users = [...world.users.values()].map(({ id, name, active }) => [id, name, active ? 'yes' : 'no'])
  const members = [...world.groups.values()].flatMap((group) => group.members.map((user) => [user, group.id]))
  write(directory, 'users.csv', lines([['id', 'name', 'active'], ...users]), users.length)
  write(directory, 'members.csv', lines([['user', 'group'], ...members]), members.length)
}

function write(directory: string, name: string, text: string, rows: number): void {
  writeFileSync(join(directory, name), text)
  const sha256 = createHash('sha256').update(text).digest('hex')
  writeFileSync(join(directory, `${name}.manifest.json`), JSON.stringify({ rows, sha256 }))
}

const users = (directory: string): string => join(directory, 'users.csv')
const edit = (change: (text: string) => string) => (directory: string): void => writeFileSync(users(directory), change(readFileSync(users(directory), 'utf8')))

const csvCases: Case[] = [
  ['the file ends in the middle of a row', 'partial', (directory) => truncateSync(users(directory), 400)],
  ['the file ends between two rows', 'partial', edit((text) => `${text.split('\n').slice(0, 10).join('\n')}\n`)],
  ['the file is empty', 'partial', (directory) => writeFileSync(users(directory), '')],
  ['only the header is left', 'partial', edit((text) => `${text.split('\n')[0]!}\n`)],
  ['the file is missing', 'partial', (directory) => rmSync(users(directory))],
  ['one row is gone', 'partial', edit((text) => text.split('\n').filter((line) => !line.includes('000123')).join('\n'))],
  ['one row came twice and another one is gone', 'partial', edit((text) => text.replace(/"000123".*\n/, '"ann b","User 1","yes"\n'))],
  ['a row was added that is there already', 'partial', (directory) => appendFileSync(users(directory), '"ann b","User 1","yes"\n')],
  ['another delimiter', 'partial', edit((text) => text.replaceAll('","', '";"'))],
  ['a column has another name', 'partial', edit((text) => text.replace('"name"', '"label"'))],
  ['the manifest is of another file', 'partial', (directory) => writeFileSync(`${users(directory)}.manifest.json`, '{"rows": 23, "sha256": "00"}')],
  ['the manifest counts one row more', 'partial', (directory) => writeFileSync(`${users(directory)}.manifest.json`, '{"rows": 24}')],
  ['the manifest is no JSON', 'partial', (directory) => writeFileSync(`${users(directory)}.manifest.json`, 'rows: 23')],
  ['bytes that are no UTF-8', 'partial', (directory) => appendFileSync(users(directory), Buffer.from([0x22, 0xff, 0xfe, 0x0a]))],
  ['a quote that never closes', 'partial', edit((text) => text.replace('"User 5"', '"User 5'))],
  ['the other file is missing', 'partial', (directory) => rmSync(join(directory, 'members.csv'))],
]

function writeSqlite(directory: string): void {
  rmSync(join(directory, 'app.db'), { force: true })
  const world = World.corpus(23)
  withDatabase(directory, (database) => {
    database.exec('CREATE TABLE users (id TEXT, name TEXT, active TEXT); CREATE TABLE members (user TEXT, team TEXT)')
    const user = database.prepare('INSERT INTO users VALUES (?, ?, ?)')
    for (const { id, name, active } of world.users.values()) user.run(id, name, active ? 'yes' : 'no')
    const member = database.prepare('INSERT INTO members VALUES (?, ?)')
    for (const group of world.groups.values()) for (const id of group.members) member.run(id, group.id)
  })
}

function withDatabase(directory: string, act: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(directory, 'app.db'))
  act(database)
  database.close()
}
const sql = (text: string) => (directory: string): void => withDatabase(directory, (database) => database.exec(text))

const sqlCases: Case[] = [
  ['a table is missing', 'partial', sql('DROP TABLE users')],
  ['a column has another name', 'partial', sql('ALTER TABLE users RENAME COLUMN name TO label')],
  ['an id is NULL', 'partial', sql("UPDATE users SET id = NULL WHERE id = '000123'")],
  ['an id is empty', 'partial', sql("UPDATE users SET id = '' WHERE id = '000123'")],
  ['a value that nobody knows', 'refused', sql("UPDATE users SET active = 'maybe' WHERE id = '000123'")],
  ['the same user twice, told in two ways', 'safe', sql("INSERT INTO users VALUES ('000123', 'Another Name', 'yes')")],
  ['the database file is cut', 'partial', (directory) => truncateSync(join(directory, 'app.db'), 4_096)],
  ['the database file is no database', 'partial', (directory) => writeFileSync(join(directory, 'app.db'), 'not a database, not at all, for more than a hundred bytes '.repeat(4))],
  ['the database file is missing', 'partial', (directory) => rmSync(join(directory, 'app.db'))],
  ['the other table is missing', 'partial', sql('DROP TABLE members')],
]

const files = [
  { piece: 'account', path: 'users.csv', columns: { id: 'id', display: 'name', status: 'active' }, translate: { status: { yes: 'active', no: 'disabled' } } },
  { piece: 'membership', path: 'members.csv', kind: 'group', columns: { account: 'user', id: 'group' } },
]
const streams = [
  { name: 'users', piece: 'account', query: 'SELECT id, name, active FROM users ORDER BY id', columns: { id: 'id', display: 'name', status: 'active' }, translate: { status: { yes: 'active', no: 'disabled' } } },
  { name: 'members', piece: 'membership', query: 'SELECT user, team FROM members ORDER BY user, team', columns: { account: 'user', id: 'team' }, defaults: { kind: 'group' } },
]

describe.each([
  { kind: 'csv', write: writeCsv, cases: csvCases, settings: { files } },
  { kind: 'sql', write: writeSqlite, cases: sqlCases, settings: { driver: 'sqlite', file: 'app.db', streams } },
])('$kind', ({ kind, write: writeAll, cases, settings }) => {
  const directory = mkdtempSync(join(tmpdir(), 'grantline-damage-'))
  const bench = new Workbench()
  let kit: Kit
  beforeAll(async () => {
    const app = await configureApp('app', AppConfig.parse({ connector: kind, with: settings }), directory)
    const subject: Subject = {
      name: kind, app, traits: new Set(),
      arm(make) {
        writeAll(directory)
        const faults = make(World.corpus(0))
        for (const fault of faults) if (fault instanceof Damage) fault.do(directory)
        return faults
      },
      heal: () => writeAll(directory),
      stop: async () => undefined,
    }
    kit = await Kit.open(subject, { ...bench.options, baseDir: directory })
  })
  afterAll(() => {
    kit.stop()
    bench.dispose()
    rmSync(directory, { recursive: true, force: true })
  })

  it.each(cases)('%s', async (name, expected, harm) => {
    const result = await kit.run({ name, expected, needs: [], faults: () => [new Damage(name, harm)] })
    expect(result.wrong, `the run said: ${result.said}`).toEqual([])
  })
})
