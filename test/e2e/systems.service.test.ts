import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultPoints } from '../../src/core/fault.ts'
import { openFindings } from '../examples/acme.ts'
import { SystemsCompany, actionsOf, apps, dayMs, everybody, statesOf, type Held } from './company.ts'

const reading: Held = {
  postgres: { login: true, roles: ['readers'] }, keycloak: { enabled: true, roles: ['clerk'] }, openldap: { locked: false, groups: ['readers'] },
}
const writing: Held = {
  postgres: { login: true, roles: ['readers', 'writers'] }, keycloak: { enabled: true, roles: ['clerk', 'writer'] }, openldap: { locked: false, groups: ['readers', 'writers'] },
}
const nothing: Held = {
  postgres: { login: false, roles: [] }, keycloak: { enabled: false, roles: [] }, openldap: { locked: true, groups: [] },
}
async function heldBy(people: readonly string[]): Promise<Held[]> {
  const held: Held[] = []
  for (const who of people) held.push(await company.held(who))
  return held
}
const points = faultPoints.filter((point) => point.startsWith('write.'))
const about = (who: string) => (finding: { identity: string | null }): boolean => finding.identity === who

let company: SystemsCompany
beforeAll(async () => {
  company = await SystemsCompany.open()
}, 900_000)
afterAll(() => company.close(), 60_000)

describe('PostgreSQL, Keycloak and OpenLDAP, read, reconciled and written', { timeout: 600_000 }, () => {
  test('in the beginning everybody has what they should, and nothing is written', async () => {
    const findings = await company.once(openFindings)
    expect(company.troubles).toEqual([])
    expect(company.events.flatMap((event) => (event.event === 'run' && event.result.verdict !== 'complete' ? [[event.source, event.result.reason]] : []))).toEqual([])
    expect(findings.filter(({ identity }) => identity !== null)).toEqual([])
    expect(company.events.filter(({ event }) => event === 'write' || event === 'problem')).toEqual([])
    expect(await company.held('p1x')).toEqual(reading)
  })

  test('a joiner in the HR feed has an account in each, with what everybody has, and nothing is made twice', async () => {
    company.joins('p20x')
    await company.once(async () => undefined)
    expect(await company.held('p20x')).toEqual({ ...reading, keycloak: { enabled: true, roles: ['clerk', `default-roles-${company.realm}`] } })
    const { open, histories } = await company.once(async (grantline) => ({
      open: await openFindings(grantline),
      histories: await Promise.all((await actionsOf(grantline, { kind: 'missing-grant', identity: 'p20x' })).map(({ id }) => statesOf(grantline, id))),
    }))
    expect(open.filter(about('p20x'))).toEqual([])
    expect(histories).toEqual(apps.map(() => ['approved', 'dispatched', 'applied', 'verified']))
  })

  test('a leaver in the HR feed loses access everywhere, with nobody touching anything', async () => {
    company.ends('p1x')
    await company.once(async () => undefined)
    expect(await company.held('p1x')).toEqual(nothing)
    expect(await company.held('p2x')).toEqual(reading)
    const { open, histories } = await company.once(async (grantline) => ({
      open: await openFindings(grantline),
      histories: await Promise.all((await actionsOf(grantline, { kind: 'leaver-access' })).map(({ id }) => statesOf(grantline, id))),
    }))
    expect(open.filter(about('p1x'))).toEqual([])
    expect(histories).toEqual(apps.map(() => ['approved', 'dispatched', 'applied', 'verified']))
  })

  test('an approved request arrives in each, and goes when it ends', async () => {
    company.request('p2x', company.nowMs + 2 * dayMs)
    await company.once(async () => undefined)
    expect(await company.held('p2x')).toEqual(writing)
    company.offsetMs += 3 * dayMs
    await company.once(async () => undefined)
    expect(await company.held('p2x')).toEqual(reading)
    expect(await company.held('p3x')).toEqual(reading)
    expect((await company.once(openFindings)).filter(about('p2x'))).toEqual([])
  })

  test('a grant made by hand is found, proposed, approved, revoked and verified', async () => {
    await company.grantByHand('p3x')
    const ids = await company.once(async (grantline) => {
      const proposed = await actionsOf(grantline, { kind: 'unauthorised-grant', identity: 'p3x' })
      expect(proposed.map(({ app, state }) => [app, state]).sort()).toEqual([...apps].sort().map((app) => [app, 'proposed']))
      expect(await company.held('p3x')).toEqual(writing)
      await grantline.api.decideActions({ decision: 'approve', ids: proposed.map(({ id }) => id), by: 'A. Kaya', why: 'nobody asked for it' })
      return proposed.map(({ id }) => id)
    })
    await company.once(async () => undefined)
    expect(await company.held('p3x')).toEqual(reading)
    const histories = await company.once(async (grantline) => Promise.all(ids.map((id) => statesOf(grantline, id))))
    expect(histories).toEqual(ids.map(() => ['proposed', 'approved', 'dispatched', 'applied', 'verified']))
  })

  test('40 % of the people vanish from the HR feed: it is held, told, and nobody loses anything', async () => {
    const vanished = everybody.slice(4, 12)
    const before = await heldBy(vanished)
    company.vanish(vanished)
    const writes = company.events.filter(({ event }) => event === 'write').length
    const findings = await company.once(openFindings)
    await company.once(async () => undefined)
    expect(findings.filter(({ kind }) => kind === 'held-absences')).toHaveLength(1)
    expect(findings.filter(({ identity }) => identity !== null && vanished.includes(identity))).toEqual([])
    expect(company.events.filter(({ event }) => event === 'write')).toHaveLength(writes)
    expect(await heldBy(vanished)).toEqual(before)
    company.comeBack()
    const after = await company.once(openFindings)
    expect(after.filter(({ kind }) => kind === 'held-absences')).toEqual([])
  })

  test('killed at every point of a write, one after the other: each story ends as it does undisturbed', { timeout: 900_000 }, async () => {
    const [leavers, requesters, byHand, others] = [everybody.slice(4, 7), everybody.slice(7, 10), everybody.slice(10, 13), everybody.slice(13)]
    for (const who of byHand) await company.grantByHand(who)
    await company.once(async (grantline) => {
      const proposed = (await actionsOf(grantline, { kind: 'unauthorised-grant', state: 'proposed' })).map(({ id }) => id)
      expect(proposed).toHaveLength(byHand.length * apps.length)
      await grantline.api.decideActions({ decision: 'approve', ids: proposed, by: 'A. Kaya', why: 'nobody asked for it' })
    })
    for (const who of leavers) company.ends(who)
    for (const who of requesters) company.request(who, company.nowMs + 2 * dayMs)
    for (const point of points) await company.killAt(point, 2)
    await company.once(async () => undefined)
    expect(await heldBy(leavers)).toEqual(leavers.map(() => nothing))
    expect(await heldBy(requesters)).toEqual(requesters.map(() => writing))
    expect(await heldBy(byHand)).toEqual(byHand.map(() => reading))

    company.offsetMs += 3 * dayMs
    await company.killAt('write.after-call', 2)
    await company.once(async () => undefined)
    expect(await heldBy(requesters)).toEqual(requesters.map(() => reading))
    expect(await heldBy(others)).toEqual(others.map(() => reading))
    const { open, states } = await company.once(async (grantline) => ({
      open: await openFindings(grantline), states: (await actionsOf(grantline, {})).filter(({ mode }) => mode !== 'observe').map(({ state }) => state),
    }))
    expect(open.filter(({ identity }) => identity !== null)).toEqual([])
    expect(new Set(states)).toEqual(new Set(['verified']))
  })
})
