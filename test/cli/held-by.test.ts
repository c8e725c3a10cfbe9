import { mkdtempSync, rmSync, statSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { announce, holderOf, withdraw } from '../../src/cli/held-by.ts'

let directory: string
let server: Server
let url: string
const asked: string[] = []
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-held-'))
  asked.length = 0
  server = createServer(({ url: path, headers }, response) => {
    asked.push(`${path} ${headers.authorization ?? 'without a token'}`)
    response.writeHead(503).end('not well')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.close()
  rmSync(directory, { recursive: true })
})
const file = (): string => join(directory, 'api.json')

it('whoever lives and answers is found, well or not, and is told no token to find out; for nobody else to read', async () => {
  await announce(directory, { url, token: 'secret' })
  expect(await holderOf(directory)).toMatchObject({ url, token: 'secret', pid: process.pid })
  expect(asked).toEqual(['/livez without a token'])
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  await withdraw(directory)
  expect(await holderOf(directory)).toBeUndefined()
})

it('a note of a process that is no more, or of an earlier one with the same pid, counts for nothing', async () => {
  await announce(directory, { url, token: 'secret' })
  const note = JSON.parse(readFileSync(file(), 'utf8')) as { started: string }
  for (const past of [{ ...note, started: '1' }, { ...note, pid: 2 ** 22 + 1 }]) {
    writeFileSync(file(), JSON.stringify(past))
    expect(await holderOf(directory)).toBeUndefined()
  }
  expect(asked).toEqual([])
})

it('nor does one of a process that nobody reaches', async () => {
  await announce(directory, { url, token: 'secret' })
  server.close()
  await once(server, 'close')
  expect(await holderOf(directory)).toBeUndefined()
})
