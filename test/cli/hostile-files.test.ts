import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { configureApp } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'
import { Kit, type Subject } from '../../src/conformance/kit.ts'
import { Workbench } from '../conformance/workbench.ts'
import { captured } from './captured.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-hostile-files-'))
const printed: string[] = []
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const hostile = (...argv: string[]): Promise<number> => captured(printed, ['hostile', ...argv])

describe('grantline hostile csv', () => {
  const drops = join(directory, 'drops')
  const bench = new Workbench()
  afterAll(() => bench.dispose())

  async function subject(): Promise<Subject> {
    expect(await hostile('csv', drops, '--settings')).toBe(0)
    const app = await configureApp('app', AppConfig.parse(JSON.parse(printed.join('\n'))), directory)
    return { name: 'drops', app, traits: new Set(), arm: () => [], heal: () => undefined, stop: async () => undefined }
  }

  it('puts drops where its own settings read them, the damaged ones partial', async () => {
    expect(await hostile('csv', drops, '--drop', '2026-11-25', '--accounts', '9')).toBe(0)
    const kit = await Kit.open(await subject(), { ...bench.options, baseDir: directory })
    expect(kit.honest.accounts.size).toBe(9)
    kit.stop()
    expect(await hostile('csv', drops, '--drop', '2026-11-26', '--fault', 'the rows come in another order', 'one row is gone')).toBe(0)
    expect(printed.slice(1)).toEqual(['  users.csv: the rows come in another order (all has to be read)', '  users.csv: one row is gone (the run has to be partial)'])
    await expect(Kit.open(await subject(), { ...bench.options, baseDir: directory })).rejects.toThrow(/accounts partial: partial: the manifest of users.csv declares 23 rows, 22 were read/)
  })

  it('overwrites no drop, knows what it can do, and says what it did not do', async () => {
    expect(await hostile('csv', drops, '--drop', '2026-11-26')).toBe(2)
    expect(printed.join()).toContain('is there already: name a later drop')
    expect(await hostile('csv', drops, '--fault', 'nothing of the kind')).toBe(2)
    expect(printed.join()).toContain('--list')
    expect(await hostile('csv')).toBe(2)
    expect(await hostile('csv', '--list')).toBe(0)
    expect(printed).toHaveLength(19)
    expect(await hostile('csv', drops, '--drop', '2026-11-27', '--fault', 'the file is missing', 'one row is gone')).toBe(0)
    expect(printed.at(-1)).toBe('  users.csv: one row is gone (found nothing to act on)')
  })
})

describe('grantline hostile proxy', () => {
  const server = createServer((socket) => socket.on('error', () => undefined).end('0123456789'.repeat(1_000)))
  beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)))
  afterAll(() => server.close())

  /** What a client gets of 10,000 bytes, and how the connection ends; `silent`: it does not within half a second. */
  const got = (port: number): Promise<{ bytes: number; end: string }> =>
    new Promise((done) => {
      let bytes = 0
      const tell = (end: string): void => done({ bytes, end })
      const socket = connect(port, '127.0.0.1').on('data', (chunk) => (bytes += chunk.length)).on('end', () => tell('in order')).on('error', () => tell('reset'))
      setTimeout(() => (tell('silent'), socket.destroy()), 500)
    })

  it.each([
    ['reset', ['--after', '400'], { bytes: 400, end: 'reset' }],
    ['cut', ['--after', '400'], { bytes: 400, end: 'in order' }],
    ['half-open', ['--after', '400'], { bytes: 400, end: 'silent' }],
    ['delay', ['--ms', '2'], { bytes: 10_000, end: 'in order' }],
  ])('%s', async (fault, options, expected) => {
    const over = hostile('proxy', `127.0.0.1:${(server.address() as AddressInfo).port}`, '--fault', fault, ...options, '--connections', '1')
    await vi.waitFor(() => expect(printed).toHaveLength(1))
    const port = Number(/^127\.0\.0\.1:(\d+) is /.exec(printed[0]!)?.[1])
    expect(await got(port)).toEqual(expected)
    expect(await got(port)).toEqual({ bytes: 10_000, end: 'in order' })
    process.emit('SIGINT')
    expect(await over).toBe(0)
    expect(printed.at(-1)).toBe('struck 1 connections; the longest got 10000 bytes of the server')
  })

  it('wants a host and a port', async () => {
    expect(await hostile('proxy', 'localhost')).toBe(2)
    expect(printed.join()).toContain('expected host and port')
  })
})
