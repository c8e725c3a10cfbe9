import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { explanationText } from '../../src/cli/explanation-text.ts'
import type { Grantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { openFindings } from '../examples/acme.ts'
import { onePass, wallClock } from '../support/one-pass.ts'
import { actionsOf, historyOf } from './company.ts'

const people = ['ann', 'bob', 'cid']
const minuteMs = 60_000

let directory: string
let offsetMs = 0
const troubles: string[] = []

const write = (name: string, ...lines: string[]): void => writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(''))
/** What everybody in sales should have. */
const roleOf = (...entitlements: string[]): void => write('roles.csv', 'id,name,app,entitlement,when', ...entitlements.map((one) => `sales,Sales,desk,${one},team=sales`))

function desk<T>(use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(directory, 'desk.db'))
  try {
    return use(database)
  } finally {
    database.close()
  }
}
const heldBy = (who: string): unknown[] => desk((database) => database.prepare('SELECT grip FROM rights WHERE login = ? ORDER BY grip').all(who).map(({ grip }) => grip))

const holds = 'SELECT 1 FROM rights WHERE login = :account AND grip = :ref'
const config = {
  dataDir: './data', partitions: 2, tickSeconds: 0.2, http: { port: 0 },
  apps: {
    desk: {
      connector: 'sql', identityMapping: true, everySeconds: 30, reread: true, allowedDelaySeconds: 0, match: [{ space: 'email', attribute: 'mail' }],
      remedy: { policy: { otherwise: 'auto', kinds: {} }, settleSeconds: 0, visibilitySeconds: 0, retrySeconds: 1, brake: { maxRemovals: 50, maxRemovalShare: 1 } },
      with: {
        driver: 'sqlite', file: 'desk.db',
        streams: [
          { name: 'users', piece: 'account', query: 'SELECT login FROM users', one: 'SELECT login FROM users WHERE login = ?', columns: { id: 'login', values: { mail: 'login' } } },
          { name: 'rights', piece: 'grant', query: 'SELECT login, grip FROM rights', one: 'SELECT login, grip FROM rights WHERE login = ?', columns: { account: 'login', entitlement: 'grip' } },
        ],
        write: [
          { operation: 'grant', holds, run: ['INSERT INTO rights VALUES (:account, :ref)'] },
          { operation: 'revoke', holds: `SELECT 1 WHERE NOT EXISTS (${holds})`, run: ['DELETE FROM rights WHERE login = :account AND grip = :ref'] },
        ],
      },
    },
  },
  feeds: {
    people: { class: 'identities', format: 'csv', path: './people.csv', keys: { email: 'mail' }, attributes: ['team'], everySeconds: 30 },
    roles: { class: 'business-roles', format: 'csv', path: './roles.csv', everySeconds: 30 },
  },
}

/** A minute later, what `grantline run --once` does. */
async function once<T>(ask: (grantline: Grantline) => Promise<T>): Promise<T> {
  offsetMs += minuteMs
  return await onePass({ config: await loadConfig(join(directory, 'grantline.yaml')), clock: wallClock(() => Date.now() + offsetMs), env: {}, events: [], troubles }, ask)
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-business-role-'))
  writeFileSync(join(directory, 'grantline.yaml'), stringify(config))
  write('people.csv', 'id,mail,team', ...people.map((who) => `${who},${who},${who === 'cid' ? 'stores' : 'sales'}`))
  roleOf('read')
  desk((database) => {
    database.exec('CREATE TABLE users (login TEXT PRIMARY KEY); CREATE TABLE rights (login TEXT, grip TEXT)')
    for (const who of people) database.prepare('INSERT INTO users VALUES (?)').run(who)
    for (const who of ['ann', 'bob']) database.prepare("INSERT INTO rights VALUES (?, 'read')").run(who)
  })
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a business role that changes, with nobody touching anything', { timeout: 300_000 }, () => {
  it('ends in the application’s own tables: what it gained is there, what it lost is gone, and nobody else is touched', async () => {
    await once(async (grantline) => expect(await openFindings(grantline)).toEqual([]))
    roleOf('write', 'report')
    await once(async () => undefined)
    await once(async (grantline) => expect(await openFindings(grantline)).toEqual([]))
    expect(people.map(heldBy)).toEqual([['report', 'write'], ['report', 'write'], []])
    expect(troubles).toEqual([])
  })

  it('is explained the whole way, from the role to what was read back', async () => {
    const told = await once(async (grantline) => {
      const actions = await actionsOf(grantline, { identity: 'ann' })
      return Promise.all(actions.map(async ({ id, kind, operations }) => ({
        kind, operations, states: (await historyOf(grantline, id)).states, text: explanationText(await grantline.api.explain(id)),
      })))
    })
    expect(told.map(({ kind, operations }) => [kind, ...operations]).sort()).toEqual([
      ['missing-grant', 'grant ann entitlement:report'], ['missing-grant', 'grant ann entitlement:write'], ['unauthorised-grant', 'revoke ann entitlement:read'],
    ])
    for (const { states, text } of told) {
      expect(states).toEqual(['approved', 'dispatched', 'applied', 'verified'])
      for (const part of ['business role sales (Sales) stands for', 'proposed: ', 'desk was asked to', 'desk was written: applied', 'read back: ']) expect(text).toContain(part)
    }
  })
})
