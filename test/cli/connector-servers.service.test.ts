import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addGroup, addPerson, group, person, prepare, reader, settings } from '../connectors/ldap/directory.ts'
import { freePort } from '../services/free-port.ts'
import { startPostgres, type PostgresServer } from '../services/postgres.ts'
import { startSlapd, type Slapd } from '../services/slapd.ts'
import { unprivileged } from '../services/unprivileged.ts'
import { captured } from './captured.ts'

/** `grantline connector test` on real servers that have a certificate for `localhost`: the proxy in between has another name. */
const directory = mkdtempSync(join(tmpdir(), 'grantline-servers-'))
const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
const printed: string[] = []

beforeAll(() => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' })
  const as = unprivileged('PostgreSQL')
  if (as !== null) for (const path of [directory, key, cert]) chownSync(path, as.uid, as.gid)
})
afterAll(() => {
  for (const name of ['GRANTLINE_TEST_PG', 'GRANTLINE_TEST_LDAP_PASSWORD']) Reflect.deleteProperty(process.env, name)
  rmSync(directory, { recursive: true, force: true })
})

async function test(app: object): Promise<number> {
  const file = join(directory, 'grantline.yaml')
  writeFileSync(file, JSON.stringify({ dataDir: './data', apps: { app }, feeds: {} }))
  return await captured(printed, ['connector', 'test', 'app', '-c', file])
}
const line = (begin: string): string | undefined => printed.find((one) => one.startsWith(begin))

describe('PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ ssl: 'on', ssl_cert_file: cert, ssl_key_file: key })
    const admin = await server.connect()
    await admin.query("CREATE TABLE users AS SELECT 'user' || n AS login, repeat('x', 60) AS name FROM generate_series(1, 60) n; CREATE ROLE reader LOGIN PASSWORD 'reader-of-the-kit'; GRANT SELECT ON users TO reader")
    await admin.end()
  }, 120_000)
  afterAll(() => server.stop())

  it('is read through a proxy that breaks connections, by TLS too, and never written', async () => {
    process.env['GRANTLINE_TEST_PG'] = 'reader-of-the-kit'
    const streams = [{ name: 'users', piece: 'account', query: 'SELECT login, name FROM users ORDER BY login', columns: { id: 'login', display: 'name' } }]
    const write = [{ operation: 'delete-account', holds: 'SELECT 1 WHERE :account IS NULL', run: ['DELETE FROM users WHERE login = :account'] }]
    const sql = { driver: 'postgres', host: 'localhost', port: server.port, database: 'postgres', user: 'reader', password: 'env:GRANTLINE_TEST_PG', ssl: { caFile: 'cert.pem' }, pageSize: 7, statementTimeoutMs: 1_000, connectTimeoutMs: 1_000, streams, write }
    expect(await test({ connector: 'sql', with: sql }), printed.join('\n')).toBe(0)
    expect(line('whole: ')).toMatch(/^whole: 60 accounts in \d{4,} bytes, .*; 11 scenarios follow/)
    expect(line('ok     no more comes in the middle')).toContain('(accounts partial: ')
    expect(line('ok     late, in small pieces')).toBe('ok     late, in small pieces')
    expect(printed.at(-1)).toBe('11 passed, 0 failed; 0 found nothing to act on')
    expect(line('it changes while it is read')).toBe(undefined)
  }, 120_000)
})

describe('OpenLDAP', () => {
  let server: Slapd
  let front: Server
  let port: number
  beforeAll(async () => {
    server = await startSlapd([`limits dn.exact="${reader.dn}" size=unlimited size.prtotal=unlimited`])
    const root = await server.connect()
    await prepare(root)
    for (let at = 0; at < 40; at++) await addPerson(root, `user${at}`)
    await addGroup(root, 'all', [person('user1'), person('user2')])
    await addGroup(root, 'outer', [group('all')])
    await root.unbind()
    port = await freePort()
    front = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (client) => {
      const behind = connect(server.port, '127.0.0.1')
      client.pipe(behind).pipe(client)
      for (const [one, other] of [[client, behind], [behind, client]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy())
    })
    await new Promise<void>((done) => front.listen(port, '127.0.0.1', done))
  }, 300_000)
  afterAll(async () => {
    front.close()
    await server.stop()
  })

  it('is read so by LDAPS', async () => {
    expect(await test({ connector: 'ldap', with: settings({ url: `ldaps://localhost:${port}` }, { caFile: 'cert.pem', pageSize: 7, timeoutMs: 1_500 }) }), printed.join('\n')).toBe(0)
    expect(line('whole: ')).toMatch(/^whole: 40 accounts in /)
    // What is enciphered has no cookie to change.
    expect(printed.at(-1)).toBe('11 passed, 0 failed; 1 found nothing to act on')
  }, 120_000)

  it('and in clear, where a cookie is changed too', async () => {
    const before = server.changes()
    expect(await test({ connector: 'ldap', with: settings({ url: `ldap://localhost:${server.port}` }, { pageSize: 7, timeoutMs: 1_500 }) }), printed.join('\n')).toBe(0)
    expect(line('ok     the cookie of a page is another one')).toContain('partial: ')
    expect(printed.at(-1)).toBe('12 passed, 0 failed; 0 found nothing to act on')
    expect(server.changes()).toBe(before)
  }, 120_000)
})
