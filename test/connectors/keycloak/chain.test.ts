import { afterEach, expect, it } from 'vitest'
import { chain } from '../../../connectors/keycloak/chain.ts'
import { openAdminApi } from '../../../connectors/keycloak/client.ts'
import { KeycloakConfig } from '../../../connectors/keycloak/config.ts'
import { createPlatform } from '../../../src/connect/platform.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { startApi, type Answers, type ApiServer } from '../rest/api-server.ts'

let server: ApiServer | null = null
afterEach(async () => {
  await server?.stop()
  server = null
})

async function idsOf(members: Answers): Promise<unknown[]> {
  server = await startApi((asked) => (asked.method === 'POST' ? { body: { access_token: 't', expires_in: 3600 } } : members(asked)))
  const config = KeycloakConfig.parse({ baseUrl: server.url, realm: 'r', reader: { grant: 'client-credentials', clientId: 'c', clientSecret: 'env:SECRET' } })
  const platform = createPlatform({ app: 'app', config, clock: systemClock, signal: new AbortController().signal, env: { SECRET: 'a-client-secret' }, baseDir: '.' })
  const ids: unknown[] = []
  for await (const { rows } of chain(openAdminApi(config, platform), 'members', '/groups/g/members', {}, 2)) ids.push(...rows.map((row) => (row as { id: string }).id))
  return ids
}

it('a list is read to an empty page', async () => {
  const all = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]
  expect(await idsOf(({ query }) => ({ body: all.slice(Number(query.get('first')), Number(query.get('first')) + 2) }))).toEqual(['a', 'b', 'c'])
})

it('a list of one row that ignores the position ends, and says so', async () => {
  await expect(idsOf(() => ({ body: [{ id: 'a' }] }))).rejects.toMatchObject({ class: 'partial', message: expect.stringContaining('came again') as string })
  expect(server?.asked.filter(({ method }) => method === 'GET')).toHaveLength(3)
})
