import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { Shell, type Result, type Started } from './shell.ts'

interface Action {
  id: string
  state: string
  mode: string
  kind: string
  account: string
  operations: string[]
  loses: string[]
  obstacle: string | null
  by: string | null
  why: string | null
  reason: string | null
}

const config = `partitions: 1
tickSeconds: 0.2
http: { port: 0 }
apps:
  desk:
    connector: sql
    identityMapping: true
    everySeconds: 1
    match: [{ space: email, attribute: mail }]
    remedy:
      policy: { otherwise: observe, kinds: { unauthorised-grant: approve, missing-grant: approve } }
      settleSeconds: 0
      visibilitySeconds: 0
      retrySeconds: 60
      brake: { maxRemovals: 3, maxRemovalShare: 1 }
    with:
      driver: sqlite
      file: desk.db
      streams:
        - { name: users, piece: account, query: SELECT login FROM users, one: SELECT login FROM users WHERE login = ?, columns: { id: login, values: { mail: login } } }
        - { name: rights, piece: grant, query: 'SELECT login, grip FROM rights', one: 'SELECT login, grip FROM rights WHERE login = ?', columns: { account: login, entitlement: grip } }
      write:
        - operation: revoke
          holds: SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM rights WHERE login = :account AND grip = :ref)
          run: ['DELETE FROM rights WHERE login = :account AND grip = :ref']
feeds:
  people: { class: identities, format: csv, path: people.csv, keys: { email: mail }, everySeconds: 1 }
  requests: { class: requests, format: ndjson, path: requests.ndjson, everySeconds: 1 }
`

let shell: Shell
let running: Started

/** One command, in this process: what it prints, and its exit code. */
async function grantline(...args: string[]): Promise<Result> {
  let out = ''
  let err = ''
  const toOut = (text: unknown): true => ((out += text instanceof Uint8Array ? Buffer.from(text).toString() : String(text)), true)
  const toErr = (text: unknown): true => ((err += String(text)), true)
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(toOut), vi.spyOn(process.stderr, 'write').mockImplementation(toErr),
    vi.spyOn(console, 'log').mockImplementation((text) => void toOut(`${String(text)}\n`)), vi.spyOn(console, 'error').mockImplementation((text) => void toErr(`${String(text)}\n`)),
  ]
  try {
    const code = await main(args.at(-1) === '--help' ? args : [...args, '--config', join(shell.directory, 'grantline.yaml')])
    return { code, out, err }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const decided = ['--by', 'A. Kaya', '--why', 'nobody asked for it']

async function list(...args: string[]): Promise<Action[]> {
  const { out, err } = await grantline('actions', 'list', '-o', 'json', ...args)
  try {
    return JSON.parse(out) as Action[]
  } catch {
    throw new Error(err)
  }
}
const ofAccount = async (account: string): Promise<Action> => (await list('--account', account, '--kind', 'unauthorised-grant'))[0]!

function desk<T>(use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(shell.directory, 'desk.db'), { timeout: 5_000 })
  try {
    return use(database)
  } finally {
    database.close()
  }
}
const rightsOf = (login: string): number => desk((database) => database.prepare('SELECT 1 FROM rights WHERE login = ?').all(login).length)

/** Six people who each hold a right that nobody asked for; one right that can't be taken; one person who is owed a right and has no account; one account that is nobody's. */
const people = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay']
beforeAll(async () => {
  shell = new Shell()
  desk((database) => {
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE users (login TEXT PRIMARY KEY); CREATE TABLE rights (login TEXT, grip TEXT);
      CREATE TRIGGER held BEFORE DELETE ON rights WHEN OLD.login = 'fay' BEGIN SELECT RAISE(ABORT, 'no'); END`)
    for (const who of [...people, 'robot']) database.prepare('INSERT INTO users VALUES (?)').run(who)
    for (const who of people) database.prepare("INSERT INTO rights VALUES (?, 'pay')").run(who)
  })
  writeFileSync(join(shell.directory, 'people.csv'), ['id,mail', ...people.map((who) => `${who},${who}`), 'gus,gus', ''].join('\n'))
  writeFileSync(join(shell.directory, 'requests.ndjson'), `${JSON.stringify({ id: 'R1', identity: 'gus', app: 'desk', entitlement: 'pay', approvedBy: 'ann', from: 0 })}\n`)
  writeFileSync(join(shell.directory, 'grantline.yaml'), config)
  const first = await shell.grantline('run', '--once')
  if (first.code !== 0) throw new Error(first.err)
}, 120_000)
afterAll(() => shell.close())

describe('with nothing running', { timeout: 120_000 }, () => {
  it.each(['plan', 'apply', 'actions', 'actions list', 'actions show', 'actions approve', 'actions reject', 'actions release'])('%s has a help text', async (words) => {
    const { code, out } = await grantline(...words.split(' '), '--help')
    expect(code).toBe(0)
    expect(out).toContain(`grantline ${words}`)
    expect(out).toMatch(/Examples:|Options:/)
  })

  it('plan shows what would be written, and what is in the way', async () => {
    const { code, out } = await grantline('plan')
    expect(code).toBe(0)
    expect(out).toContain('revoke ann entitlement:pay')
    expect(out).toContain('identity/gus has no account in desk yet')
    const json = JSON.parse((await grantline('plan', '--account', 'ann', '-o', 'json')).out) as Action[]
    expect(json).toMatchObject([{ state: 'proposed', mode: 'approve', kind: 'unauthorised-grant', account: 'ann', operations: ['revoke ann entitlement:pay'], loses: [], obstacle: null }])
    expect((await grantline('plan', '--account', 'ann', '-o', 'csv')).out.split('\r\n')).toHaveLength(3)
  })

  it('decides nothing, and says what it needs', async () => {
    const { id } = await ofAccount('ann')
    for (const args of [['apply', ...decided], ['actions', 'approve', id, ...decided], ['actions', 'release', 'desk', ...decided]]) {
      const { code, err } = await grantline(...args)
      expect([args[0], code, err]).toEqual([args[0], 2, expect.stringContaining('needs a running grantline')])
    }
    expect((await ofAccount('ann')).state).toBe('proposed')
  })
})

describe('with a process that runs', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    running = shell.start('run')
    await vi.waitFor(() => expect(running.errors()).toContain('running on'), { timeout: 60_000 })
  }, 90_000)

  it.each([
    [['actions', 'approve', 'zzz', ...decided], 'there is no action zzz'],
    [['actions', 'show', 'zzz'], 'there is no action zzz'],
    [['actions', 'approve', '', ...decided], 'too_small|expected string|>=1|at least'],
    [['actions', 'approve', 'zzz', '--by', 'A. Kaya'], 'required option \'--why'],
    [['actions', 'approve', 'zzz', '--by', '', '--why', ''], 'by'],
    [['actions', 'approve', ...decided], 'missing required argument'],
    [['actions', 'release', 'nowhere', ...decided], 'there is no application nowhere; there are desk'],
    [['actions', 'release', 'desk', ...decided, '--until', 'soon'], '"soon" is no time'],
    [['actions', 'list', '--state', 'nonsense'], 'state'],
    [['actions', 'list', '--kind', 'nonsense'], 'kind'],
    [['apply', '--by', 'A. Kaya'], 'required option \'--why'],
    [['apply', ...decided, '--wait', 'long'], 'whole number'],
    [['apply', ...decided, '--kind', 'nonsense'], 'kind'],
  ])('%j is refused: 2, and why', async (args, why) => {
    const { code, out, err } = await grantline(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(new RegExp(why))
  })

  it('what policy only observes, and what has something in its way, is not approved', async () => {
    const [orphan] = await list('--kind', 'orphaned-account')
    const observed = await grantline('actions', 'approve', orphan!.id, ...decided)
    expect([observed.code, observed.err]).toEqual([2, expect.stringContaining('the policy of desk for orphaned-account is observe')])
    const [missing] = await list('--kind', 'missing-grant')
    const blocked = await grantline('actions', 'approve', missing!.id, ...decided)
    expect([blocked.code, blocked.err]).toEqual([2, expect.stringContaining('nothing can be written')])
    const both = await grantline('actions', 'approve', (await ofAccount('ann')).id, 'zzz', ...decided)
    expect(both.code).toBe(2)
    expect((await ofAccount('ann')).state).toBe('proposed')
  })

  it('approve writes it, with who and why; show tells the way, as text and as JSON', async () => {
    const { id } = await ofAccount('ann')
    const { code, out } = await grantline('actions', 'approve', id.slice(0, 12), ...decided)
    expect([code, out]).toEqual([0, expect.stringMatching(/approve of 1 action recorded, by A. Kaya/)])
    await expect.poll(async () => (await ofAccount('ann')).state, { timeout: 30_000 }).toBe('verified')
    expect([rightsOf('ann'), rightsOf('bob')]).toEqual([0, 1])
    const steps = JSON.parse((await grantline('actions', 'show', id, '-o', 'json')).out) as { action: Action }[]
    expect(steps.map(({ action }) => action.state)).toEqual(['proposed', 'approved', 'dispatched', 'applied', 'verified'])
    expect(steps[1]!.action).toMatchObject({ by: 'A. Kaya', why: 'nobody asked for it' })
    const text = (await grantline('actions', 'show', id)).out
    for (const part of ['would write: revoke ann entitlement:pay', 'by A. Kaya: nobody asked for it', 'verified']) expect(text).toContain(part)
    const again = await grantline('actions', 'approve', id, ...decided)
    expect([again.code, again.err]).toEqual([2, expect.stringContaining('is verified: it can\'t be approved')])
  })

  it('reject leaves it as it is', async () => {
    const { id } = await ofAccount('bob')
    expect((await grantline('actions', 'reject', id, '--by', 'B', '--why', 'on call')).code).toBe(0)
    await expect.poll(async () => await ofAccount('bob')).toMatchObject({ state: 'rejected', by: 'B', why: 'on call' })
    expect(rightsOf('bob')).toBe(1)
  })

  it('apply follows what it approved until it is verified: 0; what is refused: 1, and why', async () => {
    const done = await grantline('apply', '--account', 'cid', ...decided)
    expect(done).toMatchObject({ code: 0, err: '' })
    for (const part of [/revoke cid entitlement:pay/, /1 approved, by A. Kaya/, /verified/]) expect(done.out).toMatch(part)
    expect(rightsOf('cid')).toBe(0)
    const failed = await grantline('apply', '--account', 'fay', ...decided)
    expect(failed.code).toBe(1)
    expect(failed.out).toMatch(/failed: refused/)
    expect(failed.err).toMatch(/1 of 1 .*not written/)
    expect(rightsOf('fay')).toBe(1)
  })

  it('apply with nothing to do says so: 0', async () => {
    const { code, out } = await grantline('apply', '--account', 'nobody', ...decided)
    expect([code, out]).toEqual([0, expect.stringContaining('nothing in the plan waits for a person')])
  })

  it('what the brake holds is told: 1; release lets it go, until a time if one is given', async () => {
    // three removals were sent, and three are allowed
    const { code, out, err } = await grantline('apply', '--account', 'dan', ...decided)
    expect([code, out, err]).toEqual([1, expect.stringContaining('held'), expect.stringContaining('grantline actions release desk')])
    const wrong = await grantline('actions', 'approve', (await ofAccount('dan')).id, ...decided)
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('but released')])
    expect((await list('--state', 'held')).map(({ account }) => account)).toEqual(['dan'])
    const release = await grantline('actions', 'release', 'desk', ...decided, '--until', new Date(Date.now() + 3_600_000).toISOString())
    expect([release.code, release.out]).toEqual([0, expect.stringContaining('release of what the brake of desk holds')])
    await expect.poll(async () => (await ofAccount('dan')).state, { timeout: 30_000 }).toBe('verified')
    expect((await grantline('apply', '--account', 'eve', ...decided)).code).toBe(0)
  })

  it('apply that is not followed says where it stands: 1', async () => {
    desk((database) => database.exec("INSERT INTO rights VALUES ('ann', 'write')"))
    await expect.poll(async () => (await list('--account', 'ann', '--state', 'proposed')).length, { timeout: 30_000 }).toBe(1)
    const { code, out, err } = await grantline('apply', '--account', 'ann', ...decided, '--wait', '0')
    expect([code, out, err]).toEqual([1, expect.stringContaining('1 approved'), expect.stringContaining('still on the way after 0 s')])
  })

  it('ends in order', async () => {
    running.child.kill('SIGINT')
    expect((await running.result).code).toBe(0)
  })
})
