import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Topology } from '../support/topology.ts'
import { type Fault, FlakySource, makeWorld, type StreamName, type World } from '../support/flaky-source.ts'
import { Lab } from '../connect/lab.ts'
import { feeds, Surroundings, types } from '../replay/history.ts'
import { decided } from './decided.ts'

/**
 * What a loss while reading does to findings and access: the connector runtime reads a source that misbehaves, and the real processors
 * work on what it publishes. Four of eight users belong to somebody, one of them holds what was approved, somebody waits for a grant.
 */
const hourMs = 3_600_000
let lab: Lab
let topology: Topology

beforeEach(async () => {
  lab = new Lab()
  topology = new Topology({ types, log: lab.log, codec: lab.codec, clock: lab.clock })
  const surroundings = new Surroundings(topology)
  await surroundings.settings({ app: {} }, [...feeds, ['links', 'links']])
  await surroundings.people(['ann', 'bob', 'cy', 'dee', 'eve'].map((id) => ({ id })))
  await surroundings.businessRoles([])
  await surroundings.requests([
    { id: 'r1', identity: 'ann', app: 'app', entitlement: 'admin.read' }, { id: 'r2', identity: 'eve', app: 'app', entitlement: 'ops.read' },
  ])
  await surroundings.feed('links', 'links', (base) =>
    ['ann', 'bob', 'cy', 'dee'].map((identity, at) => (
      { key: identity, record: { type: 'AccountLink', ...base, id: `l${at}`, identity, app: 'app', account: `u0${at}`, relation: 'holder' } }
    )),
  )
  await topology.drain()
})
afterEach(() => lab.dispose())

/** Reads the application once. Which of its classes are partial; the place of each names the stream where the loss was. */
async function read(world: World, fault?: Fault): Promise<string[]> {
  lab.clock.advance(hourMs)
  const result = await lab.snapshot(new FlakySource({ world, ...(fault === undefined ? {} : { fault }) }).open)
  await topology.advance(hourMs)
  const partial = result.classes.filter(({ verdict }) => verdict === 'partial')
  for (const { place } of partial) expect(place).toContain(fault?.stream)
  expect(result.verdict).toBe(partial.length === 0 ? 'complete' : 'partial')
  if (partial.length > 0) expect(result.place).toContain(fault?.stream)
  return partial.map((one) => one.class).sort()
}

/** What each stream contributes to: what a loss there leaves without a proof. */
const classes: Record<StreamName, string[]> = { users: ['accounts', 'memberships'], roles: ['definitions'], groups: ['definitions', 'memberships'] }
const streams = Object.keys(classes) as StreamName[]
const kinds: Fault['kind'][] = ['drop', 'hide', 'repeat', 'shorten', 'move', 'die', 'empty']
const cases = streams.flatMap((stream) => kinds.map((kind) => ({ stream, kind })))

/** u05 is gone, and nobody is in a group any more. Role admin grants one entitlement less, role ops is gone. */
function smaller(world: World): World {
  return {
    users: world.users.filter(({ id }) => id !== 'u05'),
    roles: world.roles.filter(({ id }) => id !== 'ops').map((role) => (role.id === 'admin' ? { ...role, children: ['admin.read'] } : role)),
    groups: world.groups.map((group) => ({ ...group, members: [] })),
  }
}

describe('after one complete run', () => {
  it.each(cases)('a loss ($kind in $stream) takes nothing away, closes nothing and opens nothing', async ({ stream, kind }) => {
    expect(await read(makeWorld())).toEqual([])
    const before = await decided(topology)
    expect(before.findings).toEqual(expect.arrayContaining([
      'opened orphaned-account u05 ', 'opened unauthorised-grant u00 admin.write', 'opened missing-grant eve ops.read',
    ]))
    expect(await read(makeWorld(), { kind, stream, page: 1 })).toEqual(classes[stream])
    expect(await decided(topology)).toEqual(before)
    expect(await read(makeWorld())).toEqual([])
    expect(await decided(topology)).toEqual(before)
  })

  it.each(kinds)('accounts that are gone stay until a run of all of them is complete ($0 in users)', async (kind) => {
    await read(makeWorld())
    const world = { ...makeWorld(), users: smaller(makeWorld()).users }
    expect(await read(world, { kind, stream: 'users', page: 1 })).toEqual(classes.users)
    expect((await decided(topology)).gone).toEqual([])
    expect(await read(world)).toEqual([])
    const { findings, gone } = await decided(topology)
    expect(gone).toEqual(['u05'])
    expect(findings).toContain('closed orphaned-account u05 ')
  })

  it.each(kinds)('a role that is gone grants until a run of all roles is complete ($0 in roles)', async (kind) => {
    const held = { ...makeWorld(), users: makeWorld().users.map((user) => ({ ...user, roles: ['ops'] })) }
    await read(held)
    const before = await decided(topology)
    const world = { ...held, roles: [...held.roles.filter(({ id }) => id !== 'ops'), { id: 'spare', name: 'Role spare', children: [] }] }
    expect(await read(world, { kind, stream: 'roles', page: 1 })).toEqual(classes.roles)
    expect(await decided(topology)).toEqual(before)
    expect(await read(world)).toEqual([])
    expect((await decided(topology)).taken).toBeGreaterThan(before.taken)
  })

  it('what another class proves stands by itself; all that is gone is taken away by the next complete run', async () => {
    await read(makeWorld())
    await read(smaller(makeWorld()), { kind: 'drop', stream: 'roles', page: 1 })
    expect((await decided(topology)).gone).toEqual(['u05'])
    expect(await read(smaller(makeWorld()))).toEqual([])
    const { findings, taken } = await decided(topology)
    expect(findings).toEqual(expect.arrayContaining(['closed orphaned-account u05 ', 'closed unauthorised-grant u00 admin.write']))
    expect(taken).toBeGreaterThan(1)
  })
})

describe('before any complete run', () => {
  it.each(cases)('a loss ($kind in $stream): what is not seen yet is not missed', async ({ stream, kind }) => {
    expect(await read(makeWorld(), { kind, stream, page: 1 })).toEqual(classes[stream])
    const { findings, gone, taken } = await decided(topology)
    // what was seen and nobody approved is told at once: no loss makes it better
    expect(findings.filter((finding) => !/^opened (orphaned-account|unauthorised-grant) /.test(finding))).toEqual([])
    expect([gone, taken]).toEqual([[], 0])
    expect(await read(makeWorld())).toEqual([])
    const { findings: after } = await decided(topology)
    expect(after).toEqual(expect.arrayContaining(findings))
    expect(after.filter((finding) => !finding.startsWith('opened'))).toEqual([])
    expect(after).toContain('opened missing-grant eve ops.read')
  })
})
