import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeCompany } from './company.ts'
import { Shell, type Started } from './shell.ts'

let shell: Shell
let file: string
beforeEach(() => {
  shell = new Shell()
  file = join(shell.directory, 'grantline.yaml')
})
afterEach(() => shell.close())

async function running(): Promise<Started> {
  const started = shell.start('run')
  await expect.poll(started.errors, { timeout: 60_000 }).toContain('running on')
  return started
}

async function stop({ child, result }: Started): Promise<void> {
  child.kill('SIGINT')
  await result
}

function http(path: string, body?: object): Promise<Response> {
  const { url, token } = JSON.parse(readFileSync(join(shell.directory, 'data', 'api.json'), 'utf8')) as { url: string; token: string }
  return fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) })
}

const verdict = async (): Promise<string | undefined> =>
  ((await (await http('/v1/reports/access')).json()) as { account: string; verdict: string }[]).find(({ account }) => account === 'ann')?.verdict

describe('a feed that was only ever posted', { timeout: 180_000 }, () => {
  it('is told as paused once it has left the config file, and what it said holds until it is retired', async () => {
    writeCompany(shell.directory, 2, 3_600)
    const without = readFileSync(file, 'utf8')
    appendFileSync(file, '  desk: { class: requests, format: ndjson }\n  mute: { class: links, format: ndjson }\n')
    const before = await running()
    expect(await (await http('/v1/feeds/desk', [{ id: 'RQ-1', identity: 'I1', app: 'wiki', entitlement: 'read', from: '2026-01-01', approvedBy: 'P7' }])).json()).toMatchObject({ accepted: 1 })
    await expect.poll(verdict, { timeout: 60_000 }).toBe('matched')
    expect((await http('/v1/reports/access')).headers.get('grantline-paused')).toBe(null)
    expect(JSON.parse((await shell.grantline('sync-runs', '--source', 'desk', '-o', 'json')).out)).toEqual([])
    await stop(before)

    writeFileSync(file, without)
    const after = await running()
    expect(after.errors()).toMatch(/^! paused, .*: desk \(never read completely\); .*: grantline rule desk --kind retire /m)
    expect((await http('/v1/reports/access')).headers.get('grantline-paused')).toBe('"desk"')
    const state = async () => (JSON.parse((await shell.grantline('connectors', '-o', 'json')).out) as { source: string; state: string }[]).map(({ source, state: of }) => `${source} ${of}`).filter((one) => /^(desk|mute) /.test(one))
    expect(await state()).toEqual(['desk paused'])
    expect(await verdict()).toBe('matched')

    const ruled = (source: string) => shell.grantline('rule', source, '--kind', 'retire', '--by', 'A. Kaya', '--reason', 'requests come from the portal now')
    expect((await ruled('mute')).err).toContain('there is no application or feed mute')
    expect((await ruled('desk')).code).toBe(0)
    await expect.poll(state, { timeout: 60_000 }).toEqual(['desk retired'])
    await expect.poll(verdict, { timeout: 60_000 }).toBe('unauthorised')
    expect((await http('/v1/reports/access')).headers.get('grantline-paused')).toBe(null)
    await stop(after)
  })
})
