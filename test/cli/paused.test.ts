import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeCompany } from './company.ts'
import { Shell } from './shell.ts'

let shell: Shell
let file: string
beforeEach(() => {
  shell = new Shell()
  file = join(shell.directory, 'grantline.yaml')
})
afterEach(() => shell.close())

/** The company's file without its application. */
function withoutWiki(): void {
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(/apps:\n[^]*feeds:/, 'apps: {}\nfeeds:'))
}

describe('an application that left the config file', { timeout: 180_000 }, () => {
  it('is told as paused wherever what was read of it is told, until it is retired', async () => {
    writeCompany(shell.directory, 2, 3_600)
    expect((await shell.grantline('run', '--once')).err).not.toContain('paused')
    const then = new Date().toISOString()
    withoutWiki()
    const line = /^paused, as the config file no longer has them: wiki \(last complete run ended 20\d\d-\S+Z\); nobody reads them, and what is told of them is as old as that\n$/
    const questions = [['findings', '--app', 'wiki', '-o', 'json'], ['access', '-o', 'json'], ['access-history', '--account', 'ann', '-o', 'json'], ['access', '--at', then, '-o', 'json']]
    const asked = async () => Promise.all(questions.map((question) => shell.grantline(...question)))
    const alone: Awaited<ReturnType<typeof asked>> = []
    for (const question of questions) alone.push(await shell.grantline(...question))
    for (const { code, out, err } of alone) {
      expect([code, err]).toEqual([0, expect.stringMatching(line)])
      expect(JSON.parse(out)).not.toEqual([])
    }
    const [finding] = JSON.parse(alone[0]!.out) as { id: string }[]
    expect((await shell.grantline('explain', finding!.id)).err).toMatch(line)
    expect((await shell.grantline('access', '--at', '2026-01-01')).err).not.toContain('paused')

    const { child, result, errors } = shell.start('run')
    await expect.poll(errors, { timeout: 60_000 }).toContain('running on')
    expect(errors()).toMatch(/^! paused, .*: wiki \(last complete run ended \S+Z\); .*; put them back, or retire them: grantline rule wiki --kind retire --by NAME --reason TEXT$/m)
    expect(await asked()).toEqual(alone)
    const state = async () => (JSON.parse((await shell.grantline('connectors', '-o', 'json')).out) as { source: string; state: string }[]).find(({ source }) => source === 'wiki')?.state
    expect(await state()).toBe('paused')
    await shell.grantline('rule', 'wiki', '--kind', 'retire', '--by', 'A. Kaya', '--reason', 'sold')
    await expect.poll(state, { timeout: 30_000 }).toBe('retired')
    await expect.poll(async () => (await shell.grantline('access', '-o', 'json')).out, { timeout: 30_000 }).toBe('[]\n')
    expect((await shell.grantline('access')).err).toBe('')
    child.kill('SIGINT')
    await result
    expect((await shell.grantline('run', '--once')).err).not.toContain('paused')
  })
})
