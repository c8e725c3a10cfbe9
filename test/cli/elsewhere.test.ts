import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { elsewhere } from '../../src/cli/elsewhere.ts'
import { Callers } from '../../src/http/callers.ts'
import type { Api } from '../../src/http/api.ts'
import { createApp, serve, type HttpServer } from '../../src/http/server.ts'

let servers: (HttpServer | Server)[] = []
afterEach(async () => {
  await Promise.all(servers.map((server) => ('url' in server ? server.close() : new Promise((resolve) => server.close(resolve)))))
  servers = []
})

const api = { connectors: () => Promise.resolve([]), decideActions: () => Promise.resolve(1) } as unknown as Api
const health = { stalled: () => Promise.resolve([]), troubles: () => Promise.resolve([]), metrics: () => Promise.reject(new Error('none')) }

async function installation(): Promise<string> {
  const callers = new Callers('own', [{ name: 'auditors', token: 'a-token-that-reads', may: ['read'] }])
  const server = await serve(createApp({ api, callers, health, onFailed: () => undefined }), '127.0.0.1', 0)
  servers.push(server)
  return server.url
}

it('an installation elsewhere is asked with the token that the environment gives, and says what that may not', async () => {
  const auditor = elsewhere({ GRANTLINE_URL: await installation(), GRANTLINE_TOKEN: 'a-token-that-reads' })!
  expect(await auditor.connectors()).toEqual([])
  await expect(auditor.decideActions({ decision: 'reject', ids: ['3f'], by: 'A. Kaya', why: 'no' })).rejects.toThrow('token auditors may not decide: it may read')
  const stranger = elsewhere({ GRANTLINE_URL: await installation(), GRANTLINE_TOKEN: 'guessed' })!
  await expect(stranger.connectors()).rejects.toThrow('the bearer token is missing or wrong')
})

it.each([
  [{ GRANTLINE_URL: 'grantline.example.org', GRANTLINE_TOKEN: 't' }, 'GRANTLINE_URL: "grantline.example.org" is no address'],
  [{ GRANTLINE_URL: 'ftp://grantline.example.org', GRANTLINE_TOKEN: 't' }, 'is no address'],
  [{ GRANTLINE_URL: 'http://grantline.example.org:7400', GRANTLINE_TOKEN: 't' }, 'the token is not sent to grantline.example.org:7400 in the clear'],
  [{ GRANTLINE_URL: 'http://127.0.0.1.example.org', GRANTLINE_TOKEN: 't' }, 'in the clear'],
  [{ GRANTLINE_URL: 'https://grantline.example.org' }, 'GRANTLINE_URL is set and GRANTLINE_TOKEN is not'],
])('%j is refused', (env, says) => {
  expect(() => elsewhere(env)).toThrow(says)
})

it('nothing named, nothing asked', () => {
  expect(elsewhere({})).toBe(null)
  expect(elsewhere({ GRANTLINE_URL: '', GRANTLINE_TOKEN: 't' })).toBe(null)
})

it('what is no grantline is told as such, and a redirect is not followed with the token', async () => {
  let told = 0
  const proxy = createServer((request, response) => {
    told++
    if (request.url?.includes('connectors') === true) response.writeHead(302, { location: '/login' }).end()
    else response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')
  })
  servers.push(proxy.listen(0, '127.0.0.1'))
  await once(proxy, 'listening')
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const remote = elsewhere({ GRANTLINE_URL: url, GRANTLINE_TOKEN: 't' })!
  await expect(remote.connectors()).rejects.toThrow(`${url}/ could not be asked: `)
  await expect(remote.summary()).rejects.toThrow(`${url}/ answered 502, and not as grantline does`)
  expect(told).toBe(2)
  await expect(elsewhere({ GRANTLINE_URL: 'http://127.0.0.1:9', GRANTLINE_TOKEN: 't' })!.summary()).rejects.toThrow('http://127.0.0.1:9/ could not be asked: ')
})
