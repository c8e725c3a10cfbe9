import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createClient } from '../../../src/adapters/log-kafka/client.ts'

const server = createServer()
afterEach(() => server.close())

it('what had come of an answer when its connection broke is no part of the next one', { timeout: 20_000 }, async () => {
  // a size that announces more, three bytes of it, and the end; later answers only end
  const sent = [Buffer.from([0, 0, 0, 2, 7, 7, 7]).subarray(0, 5), Buffer.from([7, 0, 0])]
  let connections = 0
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    connections++
    socket.once('data', () => socket.end(sent.shift() ?? Buffer.alloc(0)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const admin = createClient({ brokers: [`127.0.0.1:${port}`], tls: null, sasl: null, log: () => undefined }, 'torn').admin({ retry: { retries: 3, initialRetryTime: 20 } })
  await expect(admin.connect()).rejects.toThrow(/closed|Connection/i)
  expect(connections).toBeGreaterThan(1)
})
