import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { OperationName } from '../../../schemas/wire/operations.ts'
import { RestConfig } from '../../../connectors/rest/config.ts'
import { connector as rest } from '../../../connectors/rest/connector.ts'
import { connector as coded } from '../../../examples/acme/portal/connector.ts'
import { startPortal, type Portal } from '../../../examples/acme/portal/server.ts'
import { PortalData, PortalStore } from '../../../examples/acme/portal/store.ts'
import { createPlatform } from '../../../src/connect/platform.ts'
import type { ConnectorSession, Platform } from '../../../src/ports/connector.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Lab } from '../../connect/lab.ts'
import { connectorContract } from '../../contract/connector.ts'

const example = fileURLToPath(new URL('../../../examples/acme/', import.meta.url))
const env = { ACME_PORTAL_KEY: 'portal-key-of-the-test' }

async function portalOf(data: PortalData): Promise<Portal> {
  return await startPortal(new PortalStore(data), { port: 0, adminKey: env.ACME_PORTAL_KEY })
}

const seed = (): PortalData => PortalData.parse(JSON.parse(readFileSync(`${example}seed/portal/portal.json`, 'utf8')))

function declared(portal: Portal): unknown {
  return parse(readFileSync(`${example}portal/rest.yaml`, 'utf8').replace('http://127.0.0.1:7411', portal.url))
}

const platformOf = (portal: Portal): Platform =>
  createPlatform({ app: 'portal', config: { url: portal.url }, clock: systemClock, signal: new AbortController().signal, env, baseDir: example })

let kitPortal: Portal
connectorContract(rest, async () => {
  const data = seed()
  kitPortal = await portalOf({ users: data.users.slice(0, 450), groups: data.groups })
  for (const user of data.users.slice(450)) kitPortal.store.dropMemberships(user.login)
  return {
    with: declared(kitPortal),
    platform: platformOf(kitPortal),
    accounts: kitPortal.store.users().map(({ login }) => login),
    absent: 'nobody',
    change: () => {
      const [user] = kitPortal.store.users()
      kitPortal.store.putUser({ ...user!, name: 'Another Name' })
      return Promise.resolve(user!.login)
    },
    dispose: () => kitPortal.close(),
  }
})

describe('the portal, declared in YAML', () => {
  let portal: Portal
  beforeAll(async () => {
    portal = await portalOf(seed())
  })
  afterAll(() => portal.close())

  const openDeclared = (): Promise<ConnectorSession> => rest.open(RestConfig.parse(declared(portal)), platformOf(portal))
  const openCoded = (): Promise<ConnectorSession> => coded.open(coded.config.parse({ baseUrl: portal.url, adminKey: 'env:ACME_PORTAL_KEY' }), platformOf(portal))

  async function readBy(open: () => Promise<ConnectorSession>) {
    const lab = new Lab(1)
    try {
      const result = await lab.snapshot(open)
      const plain = <T extends object>(records: T[]) => records.map((record) => ({ ...record, observed: 0, cause: null }))
      return { result, accounts: plain(await lab.of('raw', 'Account')), definitions: plain(await lab.of('raw', 'Definition')) }
    } finally {
      lab.dispose()
    }
  }

  it('gives the same accounts, memberships, roles and grants as the connector in code', async () => {
    const byCode = await readBy(openCoded)
    const byYaml = await readBy(openDeclared)
    expect(byYaml.result).toMatchObject({ verdict: 'complete', error: null })
    expect(byYaml.accounts.length).toBeGreaterThan(500)
    expect(byYaml.accounts).toEqual(byCode.accounts)
    expect(byYaml.definitions).toEqual(byCode.definitions)
  })

  it('reads one account, and its absence, as the connector in code does', async () => {
    const [byYaml, byCode] = [await openDeclared(), await openCoded()]
    for (const login of portal.store.users().slice(0, 20).map((user) => user.login)) {
      expect(await byYaml.readOne!(login)).toEqual(await byCode.readOne!(login))
    }
    expect(await byYaml.readOne!('nobody')).toBeNull()
  })

  it.each(['..', '.', ''])('refuses a login "%s" by either connector, whatever is to be done', async (login) => {
    const refusal = { class: 'schema', message: expect.stringContaining(`"${login}"`) as string }
    for (const session of [await openDeclared(), await openCoded()]) {
      await expect(session.readOne!(login)).rejects.toMatchObject(refusal)
      const operation = { name: 'disable-account', account: login, ref: null, credential: null, attributes: {} } as const
      await expect(session.write!.ensure(operation, session.write!.steps(operation)[0]!, 'key')).rejects.toMatchObject(refusal)
    }
  })

  it('follows changes, also after the portal began to count again', async () => {
    const session = await openDeclared()
    const { cursor } = await session.changes!(null)
    const [user] = portal.store.users()
    portal.store.putUser(user!)
    const told = await session.changes!(cursor)
    expect(told).toEqual({ accounts: [user!.login], cursor: String(Number(cursor) + 1) })
    expect(await session.changes!('999')).toEqual(told)
  })

  it('writes what the declared steps say, and leaves the rest of a user as it was', async () => {
    const { write } = await openDeclared()
    const [user] = portal.store.users()
    const [group] = portal.store.groups().filter(({ members }) => !members.includes(user!.login))
    const of = (name: OperationName) => ({ name, account: user!.login, ref: { kind: 'group' as const, id: group!.id }, credential: null, attributes: {} })
    const doIt = async (name: OperationName): Promise<string> => {
      const [step] = write!.steps(of(name))
      return await write!.ensure(of(name), step!, 'key')
    }
    expect(await doIt('grant')).toBe('applied')
    expect(portal.store.user(user!.login)?.groups).toContain(group!.id)
    expect(await doIt('revoke')).toBe('applied')
    expect(portal.store.user(user!.login)?.groups).not.toContain(group!.id)
    expect(await doIt('enable-account')).toBe('already')
    expect(await doIt('disable-account')).toBe('applied')
    expect(portal.store.user(user!.login)).toMatchObject({ ...user!, enabled: false })
    expect(await doIt('disable-account')).toBe('already')
    expect(await doIt('enable-account')).toBe('applied')
    expect(portal.store.user(user!.login)).toMatchObject(user!)
    expect(await doIt('delete-account')).toBe('applied')
    expect(await doIt('delete-account')).toBe('already')
    portal.store.putUser(user!)
  })
})
