import { afterAll, beforeAll, expect, it } from 'vitest'
import { operation } from '../../contract/write-side.ts'
import { startHostileServer, type HostileServer } from './hostile-server.ts'
import { openScim } from './reading.ts'

let server: HostileServer
beforeAll(async () => {
  server = await startHostileServer()
})
afterAll(() => server.stop())

it.each(['..', '.', ''])('a user or group called "%s" is refused, and nothing is asked about what is above it', async (id) => {
  const session = await openScim(server.baseUrl, { paging: 'index', changes: 'off' })
  const asked: string[] = []
  server.handler = (url) => {
    asked.push(url.pathname)
    return { status: 404, body: {} }
  }
  const refusal = { class: 'schema', message: expect.stringContaining(`"${id}"`) as string }
  await expect(session.readOne!(id)).rejects.toMatchObject(refusal)
  for (const name of ['disable-account', 'delete-account'] as const) await expect(session.write!.ensure(operation(name, id), name, 'k')).rejects.toMatchObject(refusal)
  await expect(session.write!.ensure(operation('grant', 'ada', { ref: { kind: 'group', id } }), 'grant', 'k')).rejects.toMatchObject(refusal)
  expect(asked).toEqual([])
})
