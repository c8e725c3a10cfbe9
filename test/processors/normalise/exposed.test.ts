import { expect, test } from 'vitest'
import { normalise } from '../../../processors/normalise/normalise.ts'
import { unpackRow } from '../../../processors/normalise/stored.ts'
import type { Packed } from '../../../processors/shared/packed.ts'
import type { Credential } from '../../../schemas/wire/common.ts'
import { digest } from '../../../src/core/canonical.ts'
import { withoutSecrets } from '../../../src/connect/secret-like.ts'
import type { Mapped } from '../../../src/ports/connector.ts'
import { World, account, ofType, setting, snapshot, type Sketch } from './world.ts'

const secret = `ghp_${'Planted0'.repeat(5)}`
const key = (id: string): Credential => ({ id, kind: 'key', created: null, lastUsed: null, expires: null })

/** An account as the platform publishes it: masked by the same code. */
function shown(sketch: Sketch): Sketch {
  const { display = null, owner = null, values = {}, credentials = [] } = sketch
  const pieces: Mapped[] = [
    { piece: 'account', id: 'ann', valid: null, attributes: { kind: 'human', status: 'active', display, created: null, lastUsed: null, owner, values } },
    ...credentials.map((credential): Mapped => ({ piece: 'credential', account: 'ann', credential })),
  ]
  const masked = withoutSecrets(pieces)
  const attributes = masked.flatMap((piece) => (piece.piece === 'account' ? [piece.attributes] : []))[0]!
  return { ...sketch, display: attributes.display, owner: attributes.owner, values: attributes.values, credentials: masked.flatMap((piece) => (piece.piece === 'credential' ? [piece.credential] : [])) }
}

const fields: [string[] | null, Sketch][] = [
  [null, { display: 'Ann', owner: 'bob', values: { mail: 'ann@x' }, credentials: [key('k1')] }],
  [['display'], { display: `see ${secret}` }],
  [['owner'], { owner: secret }],
  [['values.mail', 'values.note'], { values: { note: secret, mail: secret, login: 'ann' } }],
  [['credential.id'], { credentials: [key('k1'), key(secret), key(`${secret}1`)] }],
  [['display', 'owner', 'values.note', 'credential.id'], { display: secret, owner: secret, values: { note: secret }, credentials: [key(secret)] }],
]

test.each(fields)('a fact names %j, and never what was there', (exposed, sketch) => {
  const world = new World()
  const outputs = world.push(setting(), account('ann', 1, shown(sketch)))
  expect(ofType(outputs, 'AccountFact').map((fact) => fact.exposed)).toEqual([exposed])
  const rows = [...world.plain.table('accounts').values()].map((row) => Buffer.from(row as Packed).toString('latin1'))
  expect(rows.join()).toContain('ann')
  expect(JSON.stringify(outputs) + rows.join()).not.toContain('Planted')
})

test('a field that is cleaned is told, one that is shown again is not told twice', () => {
  const world = new World()
  const note = shown({ values: { note: secret } })
  world.push(setting(), ...snapshot({ run: 1, from: 10, accounts: { ann: note } }))
  expect(ofType(world.push(...snapshot({ run: 2, from: 2_000, accounts: { ann: note } })), 'AccountFact')).toEqual([])
  const clean = world.push(...snapshot({ run: 3, from: 4_000, accounts: { ann: shown({ values: { note: 'ask the desk' } }) } }))
  expect(ofType(clean, 'AccountFact').map(({ exposed }) => exposed)).toEqual([null])
})

test('what shows only some of the fields takes none of the others back', () => {
  const world = new World()
  world.push(setting(), account('ann', 1, shown({ display: secret, values: { note: secret }, credentials: [key(secret)] })))
  const outputs = world.push(account('ann', 2, { ...shown({ values: { note: 'clean' } }), credentials: [], whole: false }))
  expect(ofType(outputs, 'AccountFact').map(({ exposed }) => exposed)).toEqual([['display', 'credential.id']])
})

test('what an older version published of accounts without one is still what there is to say', () => {
  const world = new World()
  world.push(setting(), account('ann', 1, shown({ values: { mail: 'ann@x' } })))
  const { published } = unpackRow(world.plain.table('accounts').get('crm/ann') as Packed)
  // after the digest of no grants their times, credentials, entries and lapses, and nothing behind these
  expect(published?.content).toBe(`=${JSON.stringify(['account/crm/ann', 'crm', 'ann', 'human', 'active', null, 'none', null, [], null, 'not-needed', null, null, 0, true, [], digest(''), [], [], [], []])}`)
  expect(world.push({ type: 'Epoch', processor: 'normalise', version: normalise.version, stateFormat: 1, release: '0', from: { offset: 0, index: 0 }, resumed: null })).toEqual([])
})
