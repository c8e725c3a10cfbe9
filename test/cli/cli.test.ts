import { appendFileSync, existsSync, readFileSync, writeFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { captured } from './captured.ts'
import { writeCompany } from './company.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { Shell, type Result, type Started } from './shell.ts'

let shell: Shell
let directory: string
beforeEach(() => {
  shell = new Shell()
  directory = shell.directory
})
afterEach(() => shell.close())

const start = (...args: string[]): Started => shell.start(...args)
const grantline = (...args: string[]): Promise<Result> => shell.grantline(...args)

describe('grantline on the command line', { timeout: 180_000 }, () => {
  it('explains itself, with examples', async () => {
    const { code, out } = await grantline('--help')
    expect(code).toBe(0)
    for (const word of ['run', 'findings', 'access', 'explain', 'lag', 'sync-runs', 'dlq', 'sync', 'config', 'Examples:']) expect(out).toContain(word)
  })

  it('answers a wrong command with 2 and a way on', async () => {
    const { code, err } = await grantline('fndings')
    expect(code).toBe(2)
    expect(err).toContain('Did you mean findings?')
  })

  it('prints a JSON Schema that knows the settings', async () => {
    const { code, out } = await grantline('config', 'schema')
    expect(code).toBe(0)
    expect(Object.keys((JSON.parse(out) as { properties: object }).properties)).toContain('apps')
  })

  it('checks a config: every fault with its place, 2 as exit code', async () => {
    writeFileSync(join(directory, 'grantline.yaml'), 'apps:\n  wiki: { connector: csw }\n  crm: { connector: sql, with: { driver: oracle } }\n')
    const { code, err } = await grantline('config', 'check')
    expect(code).toBe(2)
    expect(err).toContain('there is no connector "csw"')
    expect(err).toContain('apps.crm.with')
  })

  it('tells which secrets are not set where a config is checked', async () => {
    writeCompany(directory, 2, 3_600)
    appendFileSync(join(directory, 'grantline.yaml'), '  desk: { class: requests, format: ndjson }\nregistry: { url: "http://127.0.0.1:1", password: env:GRANTLINE_NOT_SET }\nclickhouse: { url: "http://127.0.0.1:1", password: env:PATH }\n')
    const { code, out } = await grantline('config', 'check')
    expect(out).toContain('2 feeds, all well\nnot set where this was checked: env:GRANTLINE_NOT_SET; run needs it\n')
    expect(code).toBe(0)
  })

  it('names the feeds that proved nothing, without which nothing is told of what is absent', async () => {
    writeCompany(directory, 2, 3_600)
    appendFileSync(join(directory, 'grantline.yaml'), '  desk: { class: requests, format: ndjson }\n')
    const run = await grantline('run', '--once')
    expect(run.err).toContain('! no complete run yet of desk: unless a person has declared the baseline (grantline rule desk --kind baseline --by NAME --reason TEXT), ')
    expect(run.out).toMatch(/0 findings open, 1 grants held \(1 undecided\)/)
    expect(run.code).toBe(0)
  })

  it('names the applications that rows of a feed name and the config file never had, until they are mended', async () => {
    writeCompany(directory, 2, 3_600)
    appendFileSync(join(directory, 'grantline.yaml'), '  desk: { class: requests, format: csv, path: requests.csv, everySeconds: 1 }\n')
    const rows = (...apps: string[]): void => writeFileSync(join(directory, 'requests.csv'), `id,identity,app,entitlement,from,approvedBy\n${apps.map((app, at) => `r${at},I1,${app},read,2026-01-01,I1\n`).join('')}`)
    rows('wikki', 'wiki', 'wikki')
    const line = '2 rows name "wikki" (did you mean "wiki"?)'
    const { child, result, errors } = start('run', '--log-level', 'info')
    await expect.poll(errors, { timeout: 60_000 }).toContain('running on')
    await expect.poll(errors, { timeout: 60_000 }).toContain('desk: run 3 complete')
    const told = errors()
    expect(told.split('\n').filter((one) => one === `! desk: unknown application: ${line}`)).toHaveLength(2) // as it is read first, and below the results
    expect(told).toContain('such rows are kept and have no effect')
    expect(told).toContain('"unknownApps":[{"app":"wikki","rows":2,"near":"wiki"}]')
    const newest = async () => (JSON.parse((await grantline('sync-runs', '--source', 'desk', '--verdict', 'complete', '--limit', '1', '-o', 'json')).out) as { unknownApps: string[] }[])[0]!.unknownApps
    expect(await newest()).toEqual([line])
    rows('wiki', 'wiki', 'wiki')
    await expect.poll(newest, { timeout: 60_000, interval: 500 }).toEqual([])
    child.kill('SIGINT')
    await result
    expect((await grantline('run', '--once')).err).not.toContain('wikki')
  })

  it('runs once, then answers from the data directory in three formats', async () => {
    writeCompany(directory, 2, 3_600) // a run that begins as the process ends is in the log only
    const run = await grantline('run', '--once')
    expect(run.err).toContain('wiki: run 1 complete')
    expect(run.code).toBe(0)
    expect(run.out).toContain('orphaned-account')
    expect(run.out).toMatch(/2 findings open/)

    const json = await grantline('findings', '-o', 'json')
    const findings = JSON.parse(json.out) as { id: string; kind: string; account: string }[]
    expect(findings.map(({ kind, account }) => [kind, account]).sort()).toEqual([['orphaned-account', 'bob'], ['unauthorised-grant', 'ann']])
    const health = JSON.parse((await grantline('connectors', '-o', 'json')).out) as object[]
    expect(health).toMatchObject(['people', 'wiki'].map((source) => ({ source, state: 'not running', live: false, lastCompleteAt: expect.any(Number), deadLetters: 0 })))
    expect((await grantline('access', '--app', 'wiki', '-o', 'csv')).out.split('\r\n')[1]).toMatch(/^wiki,ann,I1,active,read,unauthorised/)
    const explained = await grantline('explain', findings[0]!.id.slice(0, 8))
    expect(explained.out).toContain('because')
    expect(explained.out).toMatch(/raw\/\d@\d+\.\d+/)
    expect(await grantline('explain', 'zzz')).toMatchObject({ code: 2 })
    expect(await grantline('access', '--at', 'yesterday')).toMatchObject({ code: 2 })
    expect((await grantline('sync', 'wiki')).err).toContain('needs a running grantline')

    const cut = await grantline('findings', '--limit', '1', '-o', 'csv')
    expect([cut.out.split('\r\n').length, cut.err, cut.code]).toEqual([3, 'there are more: these are the first 1; ask with a larger --limit, or for less\n', 0])
    expect((await grantline('findings', '--limit', '2')).err).toBe('')
    expect(await grantline('findings', '--app', 'wikki')).toMatchObject({ code: 2, out: '', err: 'nothing was ever read of wikki; there are people, wiki\n' })
    expect(await grantline('sync-runs', '--source', 'poeple')).toMatchObject({ code: 2 })
    expect(await grantline('sync-runs', '--verdict', 'partial')).toMatchObject({ code: 0, out: 'nothing found\n' })
    expect(await grantline('sync-runs', '--verdict', 'broken')).toMatchObject({ code: 2 })
    expect(await grantline('findings', '--app', 'wiki', '--kind', 'leaver-access')).toMatchObject({ code: 0, out: 'nothing found\n', err: '' })
    const misspelt = 'the tables know no identity "I01": no access of it was ever seen, or it is spelt otherwise\n'
    expect(await grantline('access', '--identity', 'I01')).toEqual({ code: 0, out: 'nothing found\n', err: misspelt })

    rmSync(join(directory, 'data', 'tables'), { recursive: true })
    expect(await grantline('findings', '--app', 'wiki')).toMatchObject({ out: 'nothing found\n', err: expect.stringMatching(/^the tables lack something that the log has \(findings, access, .*sync-runs.*\): `grantline run` brings it in\n$/) })
    await grantline('run', '--once')
    expect(await grantline('findings', '-o', 'json')).toEqual({ ...json, err: '' })
  })

  it('answers from the running process, takes a sync, follows a change, and ends on SIGINT', async () => {
    writeCompany(directory)
    const { child, result, errors } = start('run')
    await expect.poll(errors, { timeout: 60_000 }).toContain('running on')
    expect(JSON.parse((await grantline('findings', '-o', 'json')).out)).toHaveLength(2)
    expect((await grantline('findings', '--limit', '1')).err).toContain('there are more: these are the first 1;')
    expect((await grantline('sync', 'wiki')).out).toContain('asked wiki for a snapshot')
    expect(await grantline('sync', 'nowhere')).toMatchObject({ code: 2 })
    writeFileSync(join(directory, 'people.csv'), 'id,mail\nI1,ann@example.org\nI2,bob@example.org\n')
    await expect.poll(errors, { timeout: 60_000, interval: 500 }).toContain('- orphaned-account')
    expect(existsSync(join(directory, 'data', 'api.json'))).toBe(true)
    expect((await grantline('run', '--once')).err).toContain('has it open. One process at a time')
    child.kill('SIGINT')
    expect(await result).toMatchObject({ code: 0 })
    expect(existsSync(join(directory, 'data', 'api.json'))).toBe(false)
  })

  it('tells health and metrics to anyone, and names no person in them', async () => {
    writeCompany(directory)
    const { child, result, errors } = start('run')
    await expect.poll(errors, { timeout: 60_000 }).toContain('running on')
    const [, url] = /HTTP API at (\S+);/.exec(errors()) ?? []
    for (const path of ['/livez', '/readyz']) expect(await (await fetch(`${url}${path}`)).text()).toBe('ok\n')
    const text = await (await fetch(`${url}/metrics`)).text()
    for (const line of [
      /^grantline_runs_total\{source="wiki",verdict="complete"\} \d+$/m,
      /^grantline_source_records_total\{source="people",class="identities"\} \d+$/m,
      /^grantline_source_pages_total\{source="wiki"\} [1-9]\d*$/m,
      /^grantline_transactions_total\{writer="reconcile",outcome="committed"\} [1-9]\d*$/m,
      /^grantline_consumer_lag_messages\{processor="normalise",partition="1"\} \d+$/m,
      /^grantline_sink_rows_total\{topic="findings"\} 2$/m,
      /^grantline_open_findings\{kind="orphaned-account",severity="\w+"\} 1$/m,
      /^grantline_reconciliation_gap 1$/m,
      /^grantline_last_complete_snapshot_timestamp_seconds\{source="wiki"\} 1\.?\d+/m,
      /^grantline_scrape_failures_total 0$/m,
    ]) expect(text).toMatch(line)
    expect(text).not.toMatch(/\bann\b|\bbob\b|example\.org|\bI1\b/)
    child.kill('SIGINT')
    await result
  })

  it('does a part of it where it is told to', async () => {
    writeCompany(directory)
    expect(await grantline('run', '--roles', 'connectors,everything')).toMatchObject({ code: 2 })
    const read = await grantline('run', '--once', '--roles', 'connectors')
    expect([read.code, read.out]).toEqual([0, ''])
    expect(existsSync(join(directory, 'data', 'tables'))).toBe(false)
    const { child, result, errors } = start('run', '--roles', 'processors')
    await expect.poll(errors, { timeout: 60_000 }).toContain('health and metrics at')
    const [, url] = /metrics at (\S+);/.exec(errors()) ?? []
    expect((await fetch(`${url}/v1/summary`)).status).toBe(404)
    const scrape = async (): Promise<string> => (await fetch(`${url}/metrics`)).text()
    await expect.poll(scrape, { timeout: 60_000 }).toMatch(/^grantline_consumer_lag_messages\{processor="reconcile",partition="1"\} [01]$/m)
    expect(await scrape()).not.toMatch(/^grantline_(runs|sink_rows)_total\{|^grantline_open_findings/m)
    child.kill('SIGINT')
    await result
    const rest = await grantline('run', '--once', '--roles', 'processors,sink,api')
    expect(rest.code).toBe(0)
    expect(rest.out).toMatch(/2 findings open/)
  })

  it('verifies the log and the tables, as far as it is asked, and says what is not as the input gives it', async () => {
    writeCompany(directory)
    await grantline('run', '--once')
    const whole = await grantline('verify')
    expect(whole.code, whole.err).toBe(0)
    const [, records, rows] = /^verified: (\d+) records and (\d+) table rows are what the input gives$/m.exec(whole.out) ?? []
    expect(Number(records)).toBeGreaterThan(10)
    expect(whole.out).toMatch(/^reconcile over facts\/1: \d+ records equal$/m)
    const part = await grantline('verify', '--processor', 'reconcile', '--from', '0', '--to', '1000', '--app', 'wiki')
    expect(part.code).toBe(0)
    expect(part.out).not.toContain('normalise')
    expect(Number(/^verified: (\d+)/m.exec(part.out)?.[1])).toBeLessThan(Number(records))
    expect(await grantline('verify', '--from', 'begin')).toMatchObject({ code: 2, err: expect.stringContaining('whole number') as string })
    expect(await grantline('verify', '--app', 'nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('nothing was compared') as string })

    const store = await openStore({ path: join(directory, 'data', 'tables') })
    await store.command("ALTER TABLE findings_log UPDATE severity = 'none' WHERE kind = 'orphaned-account' SETTINGS mutations_sync = 2", {})
    await store.close()
    const altered = await grantline('verify')
    expect(altered.code).toBe(1)
    expect(altered.out).toMatch(/^findings_log: findings\/\d offset \d+ index 0: severity is not what the log says/m)
    expect(altered.err).toContain('the first difference of each place is named above')
    expect(Number(rows)).toBeGreaterThan(5)
  })

  it('replays a moment from the log, and says what access says of it', async () => {
    writeCompany(directory)
    await grantline('run', '--once')
    const until = new Date().toISOString()
    writeFileSync(join(directory, 'rights.csv'), 'login,right\nann,write\nbob,read\n')
    await grantline('run', '--once')
    const held = async (...args: string[]): Promise<unknown[]> => {
      const { code, out, err } = await grantline(...args, '-o', 'json')
      expect(code, err).toBe(0)
      return (JSON.parse(out) as Record<string, unknown>[]).map(({ app, account, identity, status, entitlement, verdict }) => ({ app, account, identity, status, entitlement, verdict }))
    }
    const then = await held('access', '--at', until, '--known-at', until)
    expect(then).toMatchObject([{ account: 'ann', identity: 'I1', entitlement: 'read', verdict: 'unauthorised' }])
    expect(await held('replay', '--until', until)).toEqual(then)
    const now = new Date().toISOString()
    const known = async (time: string): Promise<{ offset: number; asOf: string }[]> => {
      const { err } = await grantline('replay', '--until', time)
      const line = err.split('\n').find((one) => one.startsWith('known then: facts/0 ')) ?? ''
      return [...line.matchAll(/facts\/\d (?:before offset|to its end, offset) (\d+), as of (\S+Z)/g)].map(([, offset, asOf]) => ({ offset: Number(offset), asOf: asOf! }))
    }
    const [before, after] = [await known(until), await known(now)]
    expect([before.length, after.length]).toEqual([2, 2])
    for (const [i, { offset, asOf }] of before.entries()) {
      expect(asOf <= until && until < after[i]!.asOf && after[i]!.asOf <= now).toBe(true)
      expect(offset).toBeLessThan(after[i]!.offset)
    }
    const early = await grantline('replay', '--until', '2020-01-01')
    expect(early).toMatchObject({ code: 0, out: 'nothing found\n', err: 'known then: nothing of facts/0; nothing of facts/1\n' })
    const filter = ['--app', 'wiki', '--account', 'bob']
    const bobs = await held('access', '--at', now, '--known-at', now, ...filter)
    expect(bobs).toMatchObject([{ account: 'bob', identity: null, entitlement: 'read' }])
    expect(await held('replay', '--until', now, ...filter)).toEqual(bobs)
    expect(await grantline('replay', '--until', 'yesterday')).toMatchObject({ code: 2 })
    expect(await grantline('replay', '--until', now, '--app', 'wikki')).toMatchObject({ code: 2, out: '', err: 'of wikki no access was known then; of these some was: wiki\n' })
    const misspelt = 'of account "b0b" and identity "I01" no access was known then: there was none, or it is spelt otherwise\n'
    expect(await grantline('replay', '--until', now, '--account', 'b0b', '--identity', 'I01')).toMatchObject({ code: 0, out: 'nothing found\n', err: expect.stringMatching(new RegExp(`${misspelt}$`)) })
  })

  it('shows dead letters, says on reports that they are there, reads the object again or puts the letter aside', async () => {
    writeCompany(directory)
    writeFileSync(join(directory, 'users.csv'), 'login,mail\nann,ann@example.org\n,nobody@example.org\n')
    writeFileSync(join(directory, 'grantline.yaml'), readFileSync(join(directory, 'grantline.yaml'), 'utf8').replace('everySeconds: 1\n    match', 'everySeconds: 86400\n    match'))
    const { child, result, errors } = start('run')
    await expect.poll(errors, { timeout: 60_000 }).toContain('running on')
    const list = async (...more: string[]) => JSON.parse((await grantline('dlq', 'list', '-o', 'json', ...more)).out) as { id: string; state: string; run: number | null }[]
    const [letter] = await list('--source', 'wiki')
    expect((await grantline('findings', '--app', 'wiki')).err).toContain('open dead letters (wiki 1)')
    const shown = await grantline('dlq', 'show', letter!.id.slice(0, 10))
    expect(shown.out).toMatch(/place +.*users\.csv/)
    expect(await grantline('dlq', 'discard', letter!.id)).toMatchObject({ code: 2 })
    expect((await grantline('dlq', 'retry', letter!.id, '--by', 'ann')).out).toContain('wiki is read again whole')
    // the row is broken as it was: the same letter is open again
    await expect.poll(async () => (await list('--source', 'wiki')).some(({ run }) => run! > letter!.run!), { timeout: 30_000, interval: 500 }).toBe(true)
    const [again] = await list('--source', 'wiki')
    expect(again!.id).toBe(letter!.id)
    expect((await grantline('dlq', 'discard', again!.id, '--by', 'ann', '--why', 'a row without a login')).out).toBe('discarded\n')
    await expect.poll(() => list('--source', 'wiki'), { timeout: 30_000, interval: 500 }).toEqual([])
    expect((await list('--state', 'all')).map(({ state }) => state).sort()).toEqual(['discarded'])
    expect((await grantline('findings', '--app', 'wiki')).err).toMatch(/^no complete run yet of wiki: .*\n$/)
    expect((await grantline('dlq', 'retry', again!.id, '--by', 'ann')).err).toContain('was discarded by ann: a row without a login')
    child.kill('SIGINT')
    await result
  })

  it('says on every report that rests on what was read that dead letters are open', async () => {
    writeCompany(directory)
    writeFileSync(join(directory, 'users.csv'), 'login,mail\nann,ann@example.org\n,nobody@example.org\n')
    expect(await grantline('run', '--once')).toMatchObject({ code: 0 })
    for (const report of [['findings'], ['access'], ['access-changes', '--from', '2026-01-01', '--to', '2026-01-02'], ['access-history', '--account', 'ann'], ['plan']]) {
      const said: string[] = []
      const code = await captured(said, [...report, '--app', 'wiki', '--config', join(directory, 'grantline.yaml')])
      expect([report[0], code, said.join('\n')]).toEqual([report[0], 0, expect.stringContaining('open dead letters (wiki ')])
    }
    const [finding] = JSON.parse((await grantline('findings', '--app', 'wiki', '-o', 'json')).out) as { id: string }[]
    const { out, err } = await grantline('explain', finding!.id, '-o', 'json')
    expect([JSON.parse(out), err]).toEqual([expect.objectContaining({ deadLetters: [{ source: 'wiki', letters: expect.any(Number) }] }), expect.stringContaining('open dead letters (wiki ')])
  })

  it('goes on after SIGKILL where it was, and says the same', async () => {
    writeCompany(directory)
    const { child, result, errors } = start('run')
    await expect.poll(errors, { timeout: 60_000 }).toContain('wiki: run 1')
    child.kill('SIGKILL')
    await result
    const again = await grantline('run', '--once')
    expect(again.code).toBe(0)
    expect(again.out).toMatch(/2 findings open/)
  })

  it('prints no secret: neither in output nor in errors', async () => {
    writeCompany(directory)
    const text = readFileSync(join(directory, 'grantline.yaml'), 'utf8').replace('http: { port: 0 }', 'http: { port: 0, token: "file:token" }')
    writeFileSync(join(directory, 'grantline.yaml'), text)
    writeFileSync(join(directory, 'token'), 'a-very-secret-token\n')
    const { out, err } = await grantline('run', '--once', '--log-level', 'trace')
    expect(out + err).not.toContain('a-very-secret-token')
  })
})
