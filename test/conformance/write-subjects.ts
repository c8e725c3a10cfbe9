import type { OperationName } from '../../schemas/wire/operations.ts'
import type { WriteTrait } from '../../src/conformance/write-scenario.ts'
import type { Assigned } from '../../src/hostile/keycloak-realm.ts'
import { keycloakServed, restServed, restSettings, scimServed, type Served } from './subjects.ts'

export interface WriteServed extends Served {
  writeTraits: readonly WriteTrait[]
  operations: readonly OperationName[]
}

const user = '/users/${account}'
const member = '/groups/${ref.id}/members/${account}'
const active = (wanted: boolean, conditions: object): object => ({
  name: wanted ? 'enable' : 'disable', read: user, holds: `read.body.active == ${wanted}`, method: 'PATCH', path: user, body: { active: wanted }, refused: 'body.?error.hasValue()', ...conditions,
})

/** Requests that may be repeated without harm: one address for each assignment. */
const ensuring = {
  'create-account': [{ name: 'create', method: 'POST', path: '/users', body: { id: '${account}' }, already: 'status == 409', refused: 'body.?error.hasValue()' }],
  'enable-account': [active(true, {})],
  'disable-account': [active(false, {})],
  'delete-account': [
    { name: 'lock', method: 'PATCH', path: user, body: { active: false }, already: 'status == 404', refused: 'body.?error.hasValue()' },
    { name: 'delete', method: 'DELETE', path: user, already: 'status == 404' },
  ],
  grant: [{ name: 'add', method: 'PUT', path: member, already: 'body.?changed.orValue(true) == false', refused: 'body.?error.hasValue()' }],
  revoke: [{ name: 'remove', method: 'DELETE', path: member, already: 'body.?changed.orValue(true) == false', refused: 'body.?error.hasValue()' }],
}

/** A grant is a new row each time it is asked for, but for the key; an account is written back whole, over the version that was read only. */
const keyed = {
  ...ensuring,
  'enable-account': [whole(true)],
  'disable-account': [whole(false)],
  grant: [{ name: 'add', method: 'POST', path: '/groups/${ref.id}/members', body: { user: '${account}' }, idempotencyKey: 'Idempotency-Key', refused: 'body.?error.hasValue()' }],
}

function whole(wanted: boolean, headers: object = { 'If-Match': '${read.headers.etag}' }): object {
  return active(wanted, { method: 'PUT', headers, body: `\${merge(read.body, {"active": ${wanted}})}` })
}

const all: readonly OperationName[] = ['create-account', 'enable-account', 'disable-account', 'delete-account', 'grant', 'revoke']

const written = (name: string, write: object, writeTraits: readonly WriteTrait[]): WriteServed => {
  const served = restServed('offset')
  return { ...served, name, app: (url) => ({ connector: 'rest', with: { ...restSettings(url, 'offset'), write } }), writeTraits, operations: all }
}

export const ensuringServed = (): WriteServed => written('rest, requests that may be repeated', ensuring, ['errors-inside', 'tells'])
export const keyedServed = (): WriteServed => written('rest, keys and versions', keyed, ['errors-inside', 'tells', 'keys', 'versions'])
/** Behind OAuth2 client credentials. */
export const oauthWritten = (): WriteServed => {
  const { app, ...plain } = ensuringServed()
  return {
    ...plain, name: 'rest, OAuth2', writeTraits: ['errors-inside', 'tells', 'renewable'],
    app: (url) => {
      const served = app(url) as { connector: string; with: object }
      return { ...served, with: { ...served.with, auth: { kind: 'oauth2', tokenUrl: `${url}/token`, clientId: 'grantline', clientSecret: 'env:HOSTILE_TOKEN' } } }
    },
  }
}
/** As with keys and versions, whose author forgot the version. */
export const overwritingServed = (): WriteServed => written('rest, over any version', { ...keyed, 'enable-account': [whole(true, {})], 'disable-account': [whole(false, {})] }, ['errors-inside', 'tells', 'keys'])
export const scimWritten = (): WriteServed => ({ ...scimServed('index'), name: 'scim', writeTraits: ['tells', 'versions'], operations: all })
export const keycloakWritten = (assigned: Assigned): WriteServed => ({ ...keycloakServed(assigned), writeTraits: ['renewable'], operations: all })
