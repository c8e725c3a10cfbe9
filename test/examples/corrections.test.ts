import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Grantline } from '../../src/compose.ts'
import type { ActionRow } from '../../src/reports/actions.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { Acme, openFindings } from './acme.ts'

const noon = Date.UTC(2026, 10, 23, 12)
const minuteMs = 60_000

const rows = async ({ api }: Grantline, report: 'plan' | 'actions', filters: Record<string, string>): Promise<ActionRow[]> =>
  JSON.parse(await wholeText((await api.report(report, filters, 'json', 0)).text)) as ActionRow[]

const states = async ({ api }: Grantline, id: string): Promise<string[]> => (await api.action(id)).map(({ action }) => action.state)

function billing({ directory }: Acme, sql: string, account: string): unknown[] {
  const db = new DatabaseSync(join(directory, 'billing', 'billing.db'), { readOnly: true })
  try {
    return db.prepare(sql).all(account)
  } finally {
    db.close()
  }
}

describe('corrections at acme', () => {
  let acme: Acme
  beforeAll(async () => {
    acme = await Acme.open(noon)
  })
  afterAll(() => acme.close())

  it('are proposed and written by nobody while nobody decides, but for leavers, whom policy lets settle first', { timeout: 600_000 }, async () => {
    const { plan, user } = await acme.once(async (grantline) => ({
      plan: await rows(grantline, 'plan', { app: 'portal' }), user: acme.portal.store.user('uwe.lindqvist300'),
    }))
    expect(user?.groups).toContain('recipe-editors')
    expect(plan.map(({ kind, account, state, operations, obstacle }) => [kind, account, state, operations.length > 0 || obstacle !== null])).toEqual(expect.arrayContaining([
      ['leaver-access', 'noah.adler299', 'approved', true],
      ['unauthorised-grant', 'uwe.lindqvist300', 'proposed', true],
    ]))
    expect(plan.find(({ account }) => account === 'uwe.lindqvist300')?.operations).toEqual(['revoke uwe.lindqvist300 group:recipe-editors'])
  })

  it('a leaver’s account is disabled in the portal’s own tables with nobody touching anything, and verified by what is read afterwards', { timeout: 600_000 }, async () => {
    acme.setNow(noon + 5 * minuteMs)
    const { open, history, explanation } = await acme.once(async (grantline) => {
      const [leaver] = await rows(grantline, 'actions', { kind: 'leaver-access', app: 'portal' })
      return { open: await openFindings(grantline), history: await states(grantline, leaver!.id), explanation: await grantline.api.explain(leaver!.id) }
    })
    expect(acme.portal.store.user('noah.adler299')).toMatchObject({ enabled: false, groups: [] })
    expect(open.filter(({ account }) => account === 'noah.adler299')).toEqual([])
    expect(history).toEqual(['approved', 'dispatched', 'applied', 'verified'])
    // the whole way: what was proposed, asked, answered and seen
    const says = JSON.stringify(explanation.actions)
    for (const word of ['Proposal', 'WriteResult', 'Command', 'AccountFact', 'Written']) expect(says, word).toContain(`"type":"${word}"`)
  })

  it('what a person approves is revoked at the group it came by, and what a person rejects stays', { timeout: 600_000 }, async () => {
    const decide = async (decision: 'approve' | 'reject', account: string): Promise<string> =>
      acme.once(async (grantline) => {
        const [action] = await rows(grantline, 'actions', { kind: 'unauthorised-grant', account })
        await grantline.api.decideActions({ decision, ids: [action!.id], by: 'A. Kaya', why: 'asked her manager' })
        return action!.id
      })
    const approved = await decide('approve', 'uwe.lindqvist300')
    await decide('approve', 'u1003')
    await acme.once(async (grantline) => {
      const missing = await rows(grantline, 'plan', { kind: 'missing-grant', identity: 'P1007' })
      expect(missing.map(({ operations }) => operations)).toEqual([['grant u1007 role:R_CLERK'], ['grant u1007 role:R_CLERK']])
      await grantline.api.decideActions({ decision: 'approve', ids: missing.map(({ id }) => id), by: 'A. Kaya', why: 'she is a clerk' })
    })
    const rejected = await decide('reject', 'elif.horvat320')
    await acme.once(async () => undefined)
    acme.setNow(noon + 10 * minuteMs)
    const after = await acme.once(async (grantline) => ({
      approved: await states(grantline, approved), rejected: await states(grantline, rejected), open: await openFindings(grantline), troubles: acme.troubles,
    }))
    expect(after.approved).toEqual(['proposed', 'approved', 'dispatched', 'applied', 'verified'])
    expect(after.rejected).toEqual(['proposed', 'rejected'])
    expect(acme.portal.store.user('uwe.lindqvist300')?.groups).not.toContain('recipe-editors')
    expect(acme.portal.store.user('elif.horvat320')?.groups).toContain('recipe-editors')
    expect(after.open.filter(({ account }) => account === 'uwe.lindqvist300')).toEqual([])
    // in billing’s own tables, by its declared statements
    expect(billing(acme, 'SELECT perm_code FROM user_permissions WHERE user_id = ?', 'u1003')).toEqual([])
    expect(billing(acme, 'SELECT role_code FROM user_roles WHERE user_id = ?', 'u1007')).toContainEqual({ role_code: 'R_CLERK' })
    expect(after.open.filter(({ account, identity }) => account === 'u1003' || identity === 'P1007')).toEqual([])
    expect(after.troubles).toEqual([])
  })
})
