import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connector } from '../../../connectors/csv/connector.ts'
import { createPlatform } from '../../../src/connect/platform.ts'
import type { Platform } from '../../../src/ports/connector.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Lab } from '../../connect/lab.ts'
import { connectorContract } from '../../contract/connector.ts'

const files = {
  'roles.csv': 'role,title\nadmin,Administrators\nclerk,\n',
  'role-rights.csv': 'role,rights\nadmin,read;write\nclerk,read\n',
  'users.csv': 'login,full,state,created,mail,roles\nann,Ann,A,2020-05-01,ann@x.org,admin;clerk\nbob,Bob,X,,,\n# rows: 2\n',
  'robots.csv': 'login,owner\nsvc,ann@x.org\n',
  'direct.csv': 'who,right,since\nbob,export,2024-01-01\n',
  'keys.csv': 'who,key,expires\nsvc,k1,2027-01-01\n',
}
const config = {
  files: [
    { piece: 'account', path: 'users.csv', columns: { id: 'login', display: 'full', status: 'state', created: 'created', values: { mail: 'mail' } }, translate: { status: { A: 'active', X: 'disabled' } } },
    { piece: 'account', path: 'robots.csv', columns: { id: 'login', owner: 'owner' }, defaults: { kind: 'service' } },
    { piece: 'membership', path: 'users.csv', columns: { account: 'login', id: 'roles' }, separator: ';' },
    { piece: 'grant', path: 'direct.csv', columns: { account: 'who', entitlement: 'right', valid: 'since' } },
    { piece: 'credential', path: 'keys.csv', columns: { account: 'who', id: 'key', expires: 'expires' } },
    { piece: 'definition', path: 'roles.csv', columns: { id: 'role', name: 'title' } },
    { piece: 'child', path: 'role-rights.csv', columns: { parent: 'role', child: 'rights' }, separator: ';' },
  ],
}

function platformIn(baseDir: string): Platform {
  return createPlatform({ app: 'hr', config: {}, clock: systemClock, signal: new AbortController().signal, env: {}, baseDir })
}

function writeFiles(directory: string): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
}

const kitDirectory = mkdtempSync(join(tmpdir(), 'grantline-csv-kit-'))
afterAll(() => rmSync(kitDirectory, { recursive: true, force: true }))

connectorContract(connector, () => {
  writeFiles(kitDirectory)
  return Promise.resolve({ with: config, platform: platformIn(kitDirectory), accounts: ['ann', 'bob', 'svc'], dispose: () => Promise.resolve() })
})

describe('a run over CSV files', () => {
  let lab: Lab
  beforeEach(() => {
    lab = new Lab(1)
    writeFiles(lab.dataDir)
  })
  afterEach(() => lab.dispose())

  const run = () => lab.snapshot(() => connector.open(connector.config.parse(config), platformIn(lab.dataDir)))
  const accounts = async () => Object.fromEntries((await lab.of('raw', 'Account')).map((record) => [record.id, record]))

  it('is complete, and puts the files together', async () => {
    expect(await run()).toMatchObject({ verdict: 'complete', error: null })
    const { ann, bob, svc } = await accounts()
    expect(ann).toMatchObject({
      attributes: { whole: true, kind: 'human', status: 'active', display: 'Ann', created: Date.UTC(2020, 4, 1), values: { mail: 'ann@x.org' } },
      memberships: { whole: true, added: [{ ref: { kind: 'role', id: 'admin' } }, { ref: { kind: 'role', id: 'clerk' } }] },
      grants: { whole: true, added: [] },
    })
    expect(bob).toMatchObject({
      attributes: { status: 'disabled', values: {} }, memberships: { added: [] },
      grants: { added: [{ ref: { kind: 'entitlement', id: 'export' }, valid: Date.UTC(2024, 0, 1) }] },
    })
    expect(svc).toMatchObject({ attributes: { kind: 'service', owner: 'ann@x.org' }, credentials: { added: [{ id: 'k1', kind: 'key', expires: Date.UTC(2027, 0, 1) }] } })
    expect(await lab.of('raw', 'Definition')).toMatchObject([
      { ref: { id: 'admin' }, name: 'Administrators', whole: true, children: [{ kind: 'entitlement', id: 'read' }, { kind: 'entitlement', id: 'write' }] },
      { ref: { id: 'clerk' }, name: null, children: [{ id: 'read' }] },
    ])
  })

  it('a file that was cut makes its classes partial, and no others', async () => {
    writeFileSync(join(lab.dataDir, 'role-rights.csv'), 'role,rights\nadmin,read;wr')
    const result = await run()
    expect(result.classes.filter(({ verdict }) => verdict !== 'complete').map((manifest) => manifest.class)).toEqual(['definitions'])
    expect(result.place).toBe('role-rights.csv byte 25')
  })

  it('a missing file is told as such', async () => {
    rmSync(join(lab.dataDir, 'keys.csv'))
    const result = await run()
    expect(result.error).toMatchObject({ class: 'not-found' })
    expect(result.classes.find((manifest) => manifest.class === 'credentials')).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('keys.csv') as string })
  })

  it('a status that is not listed rejects the account, which counts as seen', async () => {
    writeFileSync(join(lab.dataDir, 'users.csv'), files['users.csv'].replace('bob,Bob,X', 'bob,Bob,Q'))
    const result = await run()
    expect(result.classes.find((manifest) => manifest.class === 'accounts')).toMatchObject({ verdict: 'complete', rejected: 1 })
    expect(await lab.of('raw', 'Seen')).toMatchObject([{ id: 'bob' }])
    expect(await lab.all('dead-letters')).toMatchObject([{ record: 'bob', reason: 'column "state": expected one of A, X', place: 'users.csv line 2-3, row 2' }])
  })

  it('a broken encoding in another column leaves the account seen', async () => {
    writeFileSync(join(lab.dataDir, 'robots.csv'), Buffer.concat([Buffer.from('login,owner\nsvc,M'), Buffer.from([0xfc]), Buffer.from('ller\n')]))
    const result = await run()
    expect(result.classes.find((manifest) => manifest.class === 'accounts')!.verdict).toBe('complete')
    expect(await lab.of('raw', 'Seen')).toMatchObject([{ id: 'svc' }])
  })
})

describe('a drop folder', () => {
  let lab: Lab
  let drop: string
  beforeEach(() => {
    lab = new Lab(1)
    drop = join(lab.dataDir, 'drop')
    mkdirSync(drop)
  })
  afterEach(() => lab.dispose())

  const dropped = [
    { piece: 'account', path: 'drop/users-*.csv', columns: { id: 'login' } },
    { piece: 'grant', path: 'drop/rights-*.csv', columns: { account: 'login', entitlement: 'right' } },
  ]
  const run = () => lab.snapshot(() => connector.open(connector.config.parse({ files: dropped }), platformIn(lab.dataDir)))
  const put = (name: string, header: string, ...rows: string[]): void => {
    writeFileSync(join(drop, name), [header, ...rows, ''].join('\n'))
    writeFileSync(join(drop, `${name}.manifest.json`), JSON.stringify({ rows: rows.length }))
  }
  const putBoth = (date: string, ...logins: string[]): void => {
    put(`users-${date}.csv`, 'login', ...logins)
    put(`rights-${date}.csv`, 'login,right', ...logins.map((login) => `${login},read`))
  }
  const told = async () => (await lab.of('raw', 'Account')).map(({ id }) => id)

  it('is read as its newest drop says, and no older one', async () => {
    putBoth('2026-11-24', 'ann', 'bob')
    putBoth('2026-11-25', 'ann', 'cid')
    putBoth('2026-09-30', 'old')
    writeFileSync(join(drop, 'users-2026-11-26.csv.part'), 'login\nhalf')
    expect(await run()).toMatchObject({ verdict: 'complete', error: null })
    expect((await told()).sort()).toEqual(['ann', 'cid'])
  })

  it('whose newest file has no manifest yet is partial, and the file of before does not stand in for it', async () => {
    putBoth('2026-11-24', 'ann', 'bob')
    putBoth('2026-11-25', 'ann')
    rmSync(join(drop, 'users-2026-11-25.csv.manifest.json'))
    const { classes, place } = await run()
    expect(classes.find((one) => one.class === 'accounts')).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('no manifest') as string })
    expect(place).toBe('users-2026-11-25.csv')
    expect(await told()).not.toContain('bob')
  })

  it('of which a file is not there yet is partial: two drops are not mixed', async () => {
    putBoth('2026-11-24', 'ann', 'bob')
    put('users-2026-11-25.csv', 'login', 'ann')
    const { classes } = await run()
    expect(classes.find((one) => one.class === 'grants')).toMatchObject({ verdict: 'partial', place: 'rights-2026-11-25.csv' })
    expect((await lab.of('raw', 'Account')).flatMap(({ grants }) => grants?.added ?? [])).toEqual([])
  })

  it('may have a directory for each drop', async () => {
    for (const [date, login] of [['2026-11-24', 'ann'], ['2026-11-25', 'bob']] as const) {
      mkdirSync(join(drop, date))
      put(join(date, 'users.csv'), 'login', login)
    }
    await lab.snapshot(() => connector.open(connector.config.parse({ files: [{ ...dropped[0], path: 'drop/*/users.csv' }] }), platformIn(lab.dataDir)))
    expect(await told()).toEqual(['bob'])
  })

  it('that is empty, or is not there, says so, and nothing is called gone', async () => {
    expect(await run()).toMatchObject({ verdict: 'partial', error: { class: 'not-found', message: 'nothing has been dropped there yet' } })
    rmSync(drop, { recursive: true })
    expect(await run()).toMatchObject({ verdict: 'partial', error: { class: 'not-found' } })
  })

  it('is named by one mark', () => {
    expect(connector.config.safeParse({ files: [{ ...dropped[0], path: 'drop/*/users-*.csv' }] }).error?.issues[0]?.message).toBe('only one * is accepted')
  })
})
