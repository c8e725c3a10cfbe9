import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { explanationText } from '../../src/cli/explanation-text.ts'
import { roleNames } from '../../src/roles.ts'
import { startGrantline } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { scenarios } from '../../src/conformance/scenarios.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import { refuse } from '../../src/hostile/effects.ts'
import { Fault } from '../../src/hostile/fault.ts'
import { hostileToken, restDialect } from '../../src/hostile/rest-dialect.ts'
import { startHostile } from '../../src/hostile/server.ts'
import { World } from '../../src/hostile/world.ts'
import type { FindingRow } from '../../src/reports/findings.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { heldTexts, placesOf } from '../support/held-texts.ts'
import { restSettings } from './subjects.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-secrets-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** In a mapped value, in a field that is not mapped, in a row that can't be mapped, in an id of a credential, and in the name of a group. */
const planted = {
  mapped: `ghp_${'Planted0'.repeat(5)}`,
  unmapped: 'planted-in-a-field-that-nobody-maps',
  rejected: 'planted-in-a-row-that-is-rejected',
  credential: `sk_live_${'PlantedKey'.repeat(2)}`,
  group: `glpat-${'PlantedGroup'.repeat(2)}`,
  body: 'planted-in-the-body-of-an-error',
}

/** Harmless, and planted where the application tells it or the platform does: where this is not found a secret would not be either. */
const controls = {
  display: 'harmless-display-name',
  rejected: 'harmless-id-of-a-rejected-row',
  field: 'harmless_field_that_nobody_maps',
  app: 'harmless-app',
}

it('no secret reaches a topic, a state, a table, a report, an event or a file, whatever goes wrong meanwhile', async () => {
  const world = World.corpus(40)
  const [first, second, third] = [...world.users.values()]
  world.put({ ...first!, name: controls.display, mail: `see ${planted.mapped}`, ...{ password: planted.unmapped } })
  for (const user of [...world.users.values()]) world.put({ ...user, ...{ [controls.field]: planted.unmapped } })
  world.put({ ...second!, id: controls.rejected, ...{ created: planted.rejected } })
  world.put({ ...third!, keys: [{ id: planted.credential, created: '2024-01-01T00:00:00Z', expires: '2027-01-01T00:00:00Z' }] })
  world.groups.set('g1', { ...world.groups.get('g1')!, name: planted.group })
  const server = await startHostile(restDialect(() => world, 'offset'))
  const file = join(directory, 'grantline.yaml')
  const app = { connector: 'rest', everySeconds: 3_600, with: { ...restSettings(server.url, 'offset'), auth: { kind: 'oauth2', tokenUrl: `${server.url}/token`, clientId: 'grantline', clientSecret: 'env:HOSTILE_TOKEN', send: 'body' } } }
  writeFileSync(file, JSON.stringify({ dataDir: join(directory, 'data'), partitions: 1, tickSeconds: 1, apps: { [controls.app]: app }, feeds: {} }))
  const config = await loadConfig(file)
  const events: ConnectEvent[] = []
  const troubles: string[] = []
  const told = new Map<string, string>()
  const grantline = await startGrantline(config, {
    clock: systemClock, env: { HOSTILE_TOKEN: hostileToken }, release: 'test', roles: new Set(roleNames), onConnectEvent: (event) => events.push(event), onTrouble: (what) => troubles.push(what),
  })
  const exposed = async (): Promise<Map<string, FindingRow>> => {
    const rows = JSON.parse(await wholeText((await grantline.api.report('findings', { kind: 'exposed-secret', state: 'all' }, 'json', 200)).text)) as FindingRow[]
    return new Map(rows.map((row) => [`${row.account} ${row.object} ${row.closedAs ?? row.state}`, row]))
  }
  const mail = `${first!.id} values.mail`
  const credential = `${third!.id} credential.id`
  try {
    await grantline.drained()
    expect([...(await exposed()).keys()].sort()).toEqual([`${mail} open`, `${credential} open`].sort())
    const wanted = new Set(['JSON that ends in the middle, for good', '400 in the middle', 'the id field has another name', '401 for good'])
    for (const scenario of scenarios.filter(({ name }) => wanted.has(name))) {
      server.arm(scenario.faults(world))
      await grantline.api.sync(controls.app)
      await grantline.drained()
    }
    server.arm([new Fault('an error that quotes', { list: 'users', from: 1 }, refuse(400, {}, { error: planted.body }))])
    await grantline.api.sync(controls.app)
    await grantline.drained()
    // the runs since then proved nothing
    const open = await exposed()
    expect([...open.keys()].sort()).toEqual([`${mail} open`, `${credential} open`].sort())
    told.set('explanation', explanationText(await grantline.api.explain(open.get(`${mail} open`)!.id)))
    server.arm([])
    world.put({ ...world.users.get(first!.id)!, mail: 'first@hostile.example' })
    await grantline.api.sync(controls.app)
    await grantline.drained()
    expect([...(await exposed()).keys()].sort()).toEqual([`${mail} resolved`, `${credential} open`].sort())
    for (const report of ['findings', 'access', 'sync-runs', 'dead-letters']) told.set(`report ${report}`, await wholeText((await grantline.api.report(report, {}, 'json', 200)).text))
  } finally {
    await grantline.stop()
    await server.stop()
  }
  told.set('events', events.map((event) => JSON.stringify(event)).join('\n'))
  told.set('troubles', troubles.join('\n'))
  for (const [place, text] of await heldTexts(config)) told.set(place, text)

  for (const [what, secret] of [...Object.entries(planted), ['token', hostileToken] as const]) expect([what, placesOf(told, secret)]).toEqual([what, []])
  const found = new Set(Object.values(controls).flatMap((control) => placesOf(told, control)))
  const known = [...told.keys()].filter((place) => !place.startsWith('file '))
  // where nothing is yet is searched in test/cli/secrets.test.ts too, where something is written; the others hold but marks and positions
  expect(known.filter((place) => told.get(place) === '')).toEqual(['troubles', 'topic lag', 'topic rulings', 'topic action-log', 'table action_log', 'table lag_samples', 'table ruling_log'])
  expect(known.filter((place) => told.get(place) !== '' && !found.has(place))).toEqual(['topic actions', 'state of publisher/api', 'state of task/remediate/0', 'table schema_migrations', 'table sink_epochs', 'table sink_log'])
  expect([...found]).toContain('file log/log.mdb')
  expect([...found].filter((place) => place.startsWith('file tables/'))).not.toEqual([])
  expect(placesOf(told, controls.field)).toContain(`state of publisher/app/${controls.app}`) // the checkpoint
  expect(placesOf(told, controls.rejected)).toContain('topic dead-letters')
  expect(placesOf(told, 'answered 400')).toEqual(expect.arrayContaining(['report sync-runs', 'events', 'topic sync-runs', 'table sync_run_log'])) // an error
  expect(placesOf(told, 'credential.id')).toEqual(expect.arrayContaining(['report findings', 'topic facts', 'topic findings', 'state of task/reconcile/0', 'table findings_log']))
  expect(told.get('explanation')).toContain('shows what looks like a secret in its attribute mail, masked here: rotate it, and clean that field in harmless-app.')
  expect(told.get('explanation')).toContain('with what looks like a secret in values.mail')
  const letters = told.get('topic dead-letters')
  expect(letters).toContain('the name of a definition holds what looks like a secret')
  expect(letters).not.toContain('values.mail')
}, 180_000)
