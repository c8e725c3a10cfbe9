import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Grantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { accountKey } from '../../src/core/keys.ts'
import { partitionOf } from '../../src/core/partition.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { onePass, wallClock } from '../support/one-pass.ts'

/** A small application and a small HR feed over four partitions: none of these has so much that a share of it says anything. */
const partitions = 4
const minuteMs = 60_000
const candidates = Array.from({ length: 60 }, (_, n) => `user${n}`)
const accountsIn = (partition: number): string[] => candidates.filter((id) => partitionOf(accountKey('desk', id), partitions) === partition)
const [alone = ''] = accountsIn(0)
const people = [alone, ...[2, 2, 3].flatMap((count, at) => accountsIn(at + 1).slice(0, count))].sort()

let directory: string
let offsetMs = 0
const troubles: string[] = []

const seen = (table: string): string => `FROM ${table} WHERE (SELECT may FROM reader)`
const config = {
  dataDir: './data', partitions, tickSeconds: 0.2, http: { port: 0 },
  apps: {
    desk: {
      connector: 'sql', identityMapping: true, everySeconds: 30, match: [{ space: 'email', attribute: 'mail' }],
      with: {
        driver: 'sqlite', file: 'desk.db',
        streams: [
          { name: 'roles', piece: 'child', query: `SELECT name, grip ${seen('roles')}`, columns: { parent: 'name', child: 'grip' } },
          { name: 'users', piece: 'account', query: `SELECT login ${seen('users')}`, columns: { id: 'login', values: { mail: 'login' } } },
          { name: 'members', piece: 'membership', query: `SELECT login, 'staff' AS role ${seen('users')}`, columns: { account: 'login', id: 'role' } },
        ],
      },
    },
  },
  feeds: {
    people: { class: 'identities', format: 'csv', path: './people.csv', keys: { email: 'mail' }, attributes: ['team'], everySeconds: 30 },
    roles: { class: 'business-roles', format: 'csv', path: './roles.csv', everySeconds: 30 },
  },
}

const write = (name: string, ...lines: string[]): void => writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(''))
const staff = (...who: string[]): void => write('people.csv', 'id,mail,team', ...who.map((id) => `${id},${id},desk`), `# rows: ${who.length}`)

function desk(sql: string): void {
  const database = new DatabaseSync(join(directory, 'desk.db'))
  try {
    database.exec(sql)
  } finally {
    database.close()
  }
}

interface Told {
  findings: { kind: string; app: string | null; object: string | null; detail: string }[]
  /** who holds what the role gives */
  access: string[]
  /** newest run first */
  runs: { run: number; absent: number; held: number }[]
}

/** A minute later, what `grantline run --once` does, then what it says of `source`. */
async function pass(source: 'desk' | 'people', act: (grantline: Grantline) => Promise<void> = async () => undefined): Promise<Told> {
  offsetMs += minuteMs
  const options = { config: await loadConfig(join(directory, 'grantline.yaml')), clock: wallClock(() => Date.now() + offsetMs), env: {}, events: [], troubles }
  return await onePass(options, async (grantline) => {
    await act(grantline)
    const report = async <T>(name: string, filters: Record<string, string>): Promise<T> =>
      JSON.parse(await wholeText((await grantline.api.report(name, filters, 'json', 0)).text)) as T
    const access = await report<{ account: string; entitlement: string }[]>('access', { app: 'desk' })
    return {
      findings: await report('findings', {}),
      access: access.map(({ account, entitlement }) => `${account} ${entitlement}`).sort(),
      runs: await report('sync-runs', { source }),
    }
  })
}

const release = (source: string, run: number) => async ({ api }: Grantline): Promise<void> =>
  await api.rule({ source, kind: 'release', run, by: 'A. Kaya', reason: 'it was closed' })
const reading = (who: readonly string[]): string[] => who.map((id) => `${id} read`)

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-emptied-'))
  writeFileSync(join(directory, 'grantline.yaml'), stringify(config))
  staff(...people)
  write('roles.csv', 'id,name,app,entitlement,when', 'desk,Desk,desk,read,team=desk')
  desk(`
    CREATE TABLE reader (may INTEGER); INSERT INTO reader VALUES (1);
    CREATE TABLE roles (name TEXT, grip TEXT); INSERT INTO roles VALUES ('staff', 'read');
    CREATE TABLE users (login TEXT PRIMARY KEY); INSERT INTO users VALUES ${people.map((id) => `('${id}')`).join(', ')}
  `)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a small source over four partitions', { timeout: 300_000 }, () => {
  it('loses at once the account that its partition has alone, and nothing when it answers that there are none', async () => {
    expect([people.length, (await pass('desk')).access]).toEqual([8, reading(people)])

    desk(`DELETE FROM users WHERE login = '${alone}'`)
    staff(...people.filter((id) => id !== alone))
    const others = people.filter((id) => id !== alone)
    const one = await pass('desk')
    expect(one).toMatchObject({ findings: [], access: reading(others), runs: [{ absent: 1, held: 0 }, {}] })

    desk('UPDATE reader SET may = 0')
    const none = await pass('desk')
    // seven accounts, and the role in each of their partitions; the other partition has no account that could need it
    expect(none).toMatchObject({ access: reading(others), runs: [{ absent: 1, held: 7 + 3 }, {}, {}] })
    const { run } = none.runs[0]!
    expect(none.findings.map(({ kind, app, object }) => `${kind} ${app} ${object}`).sort()).toEqual(
      ['accounts', 'definitions'].flatMap((name) => [1, 2, 3].map((partition) => `held-absences desk ${name}/${partition}`)),
    )
    expect(none.findings.find(({ object }) => object === 'accounts/3')?.detail).toBe(
      `Run ${run} of desk shows none of the 3 accounts in partition 3: held until a person releases them (grantline rule desk --kind release --run ${run} --by NAME --reason TEXT) or a run shows them.`,
    )

    desk('UPDATE reader SET may = 1')
    expect(await pass('desk')).toMatchObject({ findings: [], access: reading(others) })
  })

  it('is empty when a person says that it is', async () => {
    desk('DELETE FROM users')
    const { access, runs } = await pass('desk')
    expect(access).toHaveLength(7)
    await pass('desk', release('desk', runs[0]!.run + 1))
    const { access: after, findings } = await pass('desk')
    expect(after).toEqual([])
    expect(findings.filter(({ kind }) => kind === 'held-absences')).toEqual([])
  })

  it('has its people for as long as nobody says that all of them left', async () => {
    staff()
    const { findings, runs } = await pass('people')
    expect(runs[0]).toMatchObject({ absent: 0, held: 7 })
    expect(findings.filter(({ kind }) => kind === 'held-absences').map(({ app }) => app)).toContain('people')
    expect(troubles).toEqual([])
  })
})
