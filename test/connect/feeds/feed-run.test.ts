import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FeedConfig } from '../../../schemas/config.ts'
import { runFeed } from '../../../src/connect/feeds/feed-run.ts'
import type { RunResult } from '../../../src/connect/run-result.ts'
import { partitionOf } from '../../../src/core/partition.ts'
import { Lab } from '../lab.ts'

let lab: Lab
beforeEach(() => {
  lab = new Lab()
})
afterEach(() => {
  expect(lab.leftovers()).toEqual([])
  lab.dispose()
})

async function run(content: string, config: object): Promise<RunResult> {
  writeFileSync(join(lab.dataDir, 'feed.txt'), content)
  const feed = { ...FeedConfig.parse({ format: 'csv', path: 'feed.txt', ...config }), path: 'feed.txt' }
  return await runFeed({
    source: await lab.source('hr'),
    feed,
    baseDir: lab.dataDir,
    canonical: (app, native) => (app === 'crm' ? native.toLowerCase() : native),
    apps: new Set(['crm', 'erp']),
    partitions: 3,
    dataDir: lab.dataDir,
    signal: lab.controller.signal,
  })
}

const identities = { class: 'identities', keys: { email: 'mail' }, attributes: ['dept'] }
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`)

describe('identities', () => {
  it('are published between begin and end, at their keys, counted by partition', async () => {
    const result = await run('id,mail,dept,start,status,display\n7,ann@x.org|a@x.org,sales,2020-01-31,,Ann\n8,,,,planned,\n', identities)
    expect(result).toMatchObject({ verdict: 'complete', run: 1, error: null, reason: null })
    const all = await lab.of('intent', 'Identity')
    expect(all.find(({ id }) => id === '7')).toEqual({
      type: 'Identity', feed: 'hr', run: 1, observed: expect.any(Number) as number, valid: null, removed: false, id: '7', status: 'active', display: 'Ann',
      start: day('2020-01-31'), end: null, continues: null, attributes: { dept: 'sales' },
      keys: [{ space: 'email', key: 'a@x.org', since: null }, { space: 'email', key: 'ann@x.org', since: null }],
    })
    expect(all.find(({ id }) => id === '8')).toMatchObject({ status: 'planned', attributes: {}, keys: [], start: null, display: null })
    for (let partition = 0; partition < 3; partition++) {
      const types = (await lab.partition('intent', partition)).map(({ type }) => type)
      expect(types.slice(0, 2)).toEqual(['RunBegin', 'DefinitionsEnd'])
      expect(types.at(-1)).toBe('RunEnd')
      expect(result.classes[0]!.counts[partition]).toBe(types.length - 3)
    }
    expect(partitionOf('7', 3)).toBe((await Promise.all([0, 1, 2].map((at) => lab.partition('intent', at)))).findIndex((records) => records.some((record) => record.type === 'Identity' && record.id === '7')))
    expect((await lab.all('sync-runs')).map(({ phase, verdict }) => [phase, verdict])).toEqual([['begin', null], ['end', 'complete']])
  })

  it('of a run that its process left behind are no more waited for: the next run says that it is over', async () => {
    lab.controller.abort(new Error('stopped'))
    await expect(run('id,mail,dept\n1,a@x,\n', identities)).rejects.toThrow('stopped')
    lab.controller = new AbortController()
    for (const number of [2, 3]) expect(await run('id,mail,dept\n1,a@x,\n', identities)).toMatchObject({ run: number, verdict: 'complete' })
    expect((await lab.all('sync-runs')).map(({ run: of, phase, verdict, reason }) => [of, phase, verdict, reason])).toEqual([
      [1, 'begin', null, null],
      [1, 'end', 'partial', 'abandoned: the process ended before the run did'],
      [2, 'begin', null, null],
      [2, 'end', 'complete', null],
      [3, 'begin', null, null],
      [3, 'end', 'complete', null],
    ])
  })

  it('map our names to the columns of the file, and refuse a file without them', async () => {
    const config = { ...identities, fields: { id: 'Personalnummer', end: 'Austritt' } }
    await run('Personalnummer,Austritt,mail,dept\n7,2026-12-31T12:00:00+01:00,a@x,\n', config)
    expect(await lab.of('intent', 'Identity')).toMatchObject([{ id: '7', end: Date.UTC(2026, 11, 31, 11) }])
    const refused = await run('Personalnr,Austritt,mail,dept\n7,,a@x,\n', config)
    expect(refused).toMatchObject({ verdict: 'partial', error: { class: 'schema' } })
    expect(refused.reason).toContain('no column "Personalnummer"')
  })

  it('reject what is no date, keep the id as seen, and leave the class complete', async () => {
    const result = await run('id,mail,dept,end\n1,,,2026-02-30\n2,,,31.12.2026\n3,,,2026-01-01T00:00:00\n4,,,1767225600000\n', identities)
    expect(result).toMatchObject({ verdict: 'complete' })
    expect(result.classes[0]).toMatchObject({ rejected: 3, read: 4 })
    expect((await lab.of('intent', 'IntentSeen')).map(({ id, class: name }) => [id, name]).sort()).toEqual([['1', 'identities'], ['2', 'identities'], ['3', 'identities']])
    expect(await lab.of('intent', 'Identity')).toMatchObject([{ id: '4', end: day('2026-01-01') }])
    const letters = await lab.all('dead-letters')
    expect(letters).toHaveLength(3)
    expect(letters.map(({ place }) => place).sort()).toEqual(['feed.txt line 2', 'feed.txt line 3', 'feed.txt line 4'])
    for (const { reason, payload } of letters) {
      expect(reason).toContain('end: expected an ISO 8601 date')
      expect(payload).not.toContain('2026')
    }
  })

  it('broken in the same way have the same letter in every run, though the reads stay partial and the rows move; otherwise another', async () => {
    const rejected = async (rows: string): Promise<number> => {
      const result = await run(`id,mail,dept,end\n${rows}`, identities)
      expect(result.verdict).toBe('partial')
      return result.classes[0]!.rejected
    }
    const broken = ',a@x,,\n1,,,never\n2,b@x,,\n2,c@x,,\n'
    expect([await rejected(broken), await rejected(broken), await rejected(`9,,,\n${broken}`)]).toEqual([4, 4, 4])
    const letters = await lab.all('dead-letters')
    expect(letters.map(({ run: of, record }) => `${of} ${record}`).sort()).toEqual(['1 1', '1 2', '1 null', '2 1', '2 2', '2 null', '3 1', '3 2', '3 null'])
    const ids = new Set(letters.map(({ id }) => id))
    expect(ids.size).toBe(3)
    await rejected(',z@x,,\n1,,,some day\n2,b@x,,\n2,d@x,,\n')
    const later = (await lab.all('dead-letters')).filter(({ run: of }) => of === 4)
    expect(later.map(({ id }) => ids.has(id))).toEqual([false, false, false])
  })

  it('without an id make the class partial, with the line', async () => {
    const result = await run('id,mail,dept\n1,,\n,a@x,\n', identities)
    expect(result).toMatchObject({ verdict: 'partial', place: 'feed.txt line 3', error: null })
  })

  it('told twice alike are one; told in two ways none is believed', async () => {
    const result = await run('id,mail,dept\n1,a@x,\n1,a@x,\n2,b@x,\n2,c@x,\n', identities)
    expect((await lab.of('intent', 'Identity')).map(({ id }) => id)).toEqual(['1'])
    expect(await lab.of('intent', 'IntentSeen')).toMatchObject([{ id: '2' }])
    expect(await lab.all('dead-letters')).toMatchObject([{ code: 'duplicate-id', record: '2', place: 'feed.txt line 5' }])
    expect(result).toMatchObject({ verdict: 'partial', place: 'feed.txt line 5', reason: 'rows of the same id contradict each other' })
  })

  it('of a cut file are published, and the class is partial', async () => {
    const result = await run('id,mail,dept\n1,a@x,\n2,b@', { ...identities, attributes: [] })
    expect(result).toMatchObject({ verdict: 'partial' })
    expect(await lab.of('intent', 'Identity')).toHaveLength(1)
  })

  it('come from NDJSON with numbers, objects and lists', async () => {
    await run('{"id":7,"keys":{"email":["a@x","b@x"]},"attributes":{"level":3,"lead":true},"end":1767225600000,"extra":{}}\n', { class: 'identities', format: 'ndjson' })
    expect(await lab.of('intent', 'Identity')).toMatchObject([{ id: '7', attributes: { lead: 'true', level: '3' }, keys: [{ key: 'a@x' }, { key: 'b@x' }] }])
  })
})

describe('business roles', () => {
  it('one row a grant: rows of one id are put together, and go to every partition before DefinitionsEnd', async () => {
    const result = await run('id,name,app,entitlement,when\nsales,Sales,crm,deal.read,dept=sales\nsales,,crm,deal.write,\nsales,,erp,x,\nit,IT,,,\n', { class: 'business-roles' })
    expect(result.verdict).toBe('complete')
    for (let partition = 0; partition < 3; partition++) {
      const records = await lab.partition('intent', partition)
      expect(records.map(({ type }) => type)).toEqual(['RunBegin', 'BusinessRole', 'BusinessRole', 'DefinitionsEnd', 'RunEnd'])
      expect(records[2]).toMatchObject({
        id: 'sales', name: 'Sales', when: { dept: 'sales' },
        grants: [{ app: 'crm', entitlement: 'deal.read' }, { app: 'crm', entitlement: 'deal.write' }, { app: 'erp', entitlement: 'x' }],
      })
      expect(records[3]).toMatchObject({ manifest: { class: 'business-roles', verdict: 'complete', counts: [2, 2, 2] } })
    }
  })

  it('all grants in one cell', async () => {
    await run('id,grants\nsales,crm:deal:read|erp:x\n', { class: 'business-roles' })
    expect((await lab.of('intent', 'BusinessRole'))[0]).toMatchObject({ name: 'sales', grants: [{ app: 'crm', entitlement: 'deal:read' }, { app: 'erp', entitlement: 'x' }] })
  })

  it('with one broken row stay as they were: part of a role is not the role', async () => {
    const result = await run('id,app,entitlement\nsales,crm,a\nsales,crm,\nit,crm,b\n', { class: 'business-roles' })
    expect((await lab.of('intent', 'BusinessRole')).map(({ id }) => id)).toEqual(['it', 'it', 'it'])
    expect((await lab.of('intent', 'IntentSeen')).map(({ id }) => id)).toEqual(['sales', 'sales', 'sales'])
    expect(result.classes[0]).toMatchObject({ verdict: 'complete', rejected: 1, counts: [2, 2, 2] })
  })

  it('that contradict themselves are not believed', async () => {
    const result = await run('id,owner,grants\nsales,ann,crm:a\nsales,bob,crm:b\n', { class: 'business-roles' })
    expect(result.verdict).toBe('partial')
    expect(await lab.of('intent', 'BusinessRole')).toEqual([])
  })
})

describe('what concerns a person goes to the person, what concerns an account to the account', () => {
  const partitionsWith = async (id: string): Promise<number[]> => {
    const found: number[] = []
    for (let at = 0; at < 3; at++) if ((await lab.partition('intent', at)).some((record) => 'id' in record && record.id === id)) found.push(at)
    return found
  }

  it('a last day is over when it is: of people, of assignments and of requests', async () => {
    await run('id,gone\nP1,2026-11-27\nP2,\n', { class: 'identities', fields: { lastDay: 'gone' } })
    expect((await lab.of('intent', 'Identity')).map(({ id, end }) => [id, end])).toEqual([['P1', day('2026-11-28')], ['P2', null]])
    await run('identity,role,from,lastDay\n7,sales,2026-01-01,2028-02-28\n', { class: 'role-assignments' })
    expect(await lab.of('intent', 'RoleAssignment')).toMatchObject([{ until: day('2028-02-29') }])
    await run('id,identity,app,entitlement,from,approvedBy,lastDay\nR1,7,crm,read,2026-01-01,P9,2026-12-31\n', { class: 'requests' })
    expect(await lab.of('intent', 'AccessRequest')).toMatchObject([{ until: day('2027-01-01') }])
  })

  it('assignments', async () => {
    await run('identity,role,from,until\n7,sales,2026-01-01,\n', { class: 'role-assignments' })
    expect(await lab.of('intent', 'RoleAssignment')).toMatchObject([{ id: `7/sales/${day('2026-01-01')}`, identity: '7', until: null }])
    expect(await partitionsWith(`7/sales/${day('2026-01-01')}`)).toEqual([partitionOf('7', 3)])
  })

  it('requests, by identity or by account, never both', async () => {
    const result = await run(
      'id,identity,account,app,entitlement,from,approvedBy\nr1,7,,crm,a,2026-01-01,boss\nr2,,Bot-1,crm,a,2026-01-01,boss\nr3,7,Bot-1,crm,a,2026-01-01,boss\n',
      { class: 'requests' },
    )
    const requests = await lab.of('intent', 'AccessRequest')
    expect(requests.find(({ id }) => id === 'r1')!.subject).toEqual({ identity: '7', app: null, account: null })
    expect(requests.find(({ id }) => id === 'r2')!.subject).toEqual({ identity: null, app: 'crm', account: 'bot-1' })
    expect(await partitionsWith('r1')).toEqual([partitionOf('7', 3)])
    expect(await partitionsWith('r2')).toEqual([partitionOf('crm/bot-1', 3)])
    expect(result).toMatchObject({ verdict: 'partial', place: 'feed.txt line 4' })
  })

  it('decisions', async () => {
    await run('id,campaign,identity,app,entitlement,verdict,by,at\nd1,q1,7,crm,a,revoke,boss,2026-01-01\n', { class: 'decisions' })
    expect(await lab.of('intent', 'Decision')).toMatchObject([{ id: 'd1', verdict: 'revoke', at: day('2026-01-01') }])
  })

  it('links; a rejected one is seen where its id can be told', async () => {
    const result = await run('app,account,identity,relation\ncrm,Bot-1,7,owner\ncrm,Bot-2,,\ncrm,Bot-3,7,boss\n', { class: 'links' })
    expect(await lab.of('intent', 'AccountLink')).toMatchObject([{ id: 'crm/bot-1/owner', account: 'bot-1', identity: '7', relation: 'owner' }])
    expect(await lab.of('intent', 'IntentSeen')).toMatchObject([{ id: 'crm/bot-2/holder' }])
    expect(result).toMatchObject({ verdict: 'partial', place: 'feed.txt line 4' })
  })
})

describe('applications that the config file never had', () => {
  const requests = { class: 'requests' }
  const rows = (...apps: string[]): string => `id,identity,app,entitlement,from,approvedBy\n${apps.map((app, at) => `r${at},7,${app},x,2026-01-01,8\n`).join('')}`
  const kept = async () => (await lab.all('sync-runs')).filter(({ phase }) => phase === 'end').map(({ run: of, unknownApps }) => [of, unknownApps])

  it('are told by the run that read them, once each, until they are mended; the rows are kept', async () => {
    const unknown = [{ app: 'CRM', rows: 2, near: 'crm' }, { app: 'wiki', rows: 1, near: null }]
    const broken = rows('CRM', 'wiki', 'crm', 'CRM')
    expect(await run(broken, requests)).toMatchObject({ run: 1, verdict: 'complete', unknownApps: unknown })
    expect((await lab.of('intent', 'AccessRequest')).map(({ app }) => app).sort()).toEqual(['CRM', 'CRM', 'crm', 'wiki'])
    expect(await run(broken, requests)).toMatchObject({ run: 2, unknownApps: unknown })
    expect(await run(rows('crm', 'erp', 'crm', 'crm'), requests)).toMatchObject({ run: 3, unknownApps: [] })
    expect(await kept()).toEqual([[1, unknown], [2, unknown], [3, null]])
    expect(await lab.all('dead-letters')).toEqual([])
  })

  it('are not told of rows that can’t be read: their letters say why', async () => {
    expect(await run(`${rows('wiki')}r9,7,wikki,x,soon,8\n`, requests)).toMatchObject({ unknownApps: [{ app: 'wiki', rows: 1 }] })
    expect(await lab.all('dead-letters')).toHaveLength(1)
  })
})

it('a feed whose file is missing ends partial and without objects', async () => {
  const feed = { ...FeedConfig.parse({ class: 'identities', format: 'csv' }), path: 'nowhere.csv' }
  const result = await runFeed({
    source: await lab.source('hr'), feed, baseDir: lab.dataDir, canonical: (_app, id) => id, apps: new Set(), partitions: 3, dataDir: lab.dataDir, signal: lab.controller.signal,
  })
  expect(result).toMatchObject({ verdict: 'partial', error: { class: 'not-found' } })
  expect((await lab.partition('intent', 1)).map(({ type }) => type)).toEqual(['RunBegin', 'DefinitionsEnd', 'RunEnd'])
})
