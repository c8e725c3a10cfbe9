import { expect, it } from 'vitest'
import { FeedConfig } from '../../../schemas/config.ts'
import { describeIssues } from '../../../src/connect/errors.ts'
import { parseRow } from '../../../src/connect/feeds/shape.ts'
import { z } from 'zod'

function refusal(values: object, config: object): string {
  try {
    parseRow(values as Record<string, unknown>, FeedConfig.parse({ format: 'ndjson', ...config }))
  } catch (error) {
    if (error instanceof z.ZodError) return describeIssues(error)
    throw error
  }
  return 'taken'
}

it('a refused row is told with the columns of the feed, not with our fields', () => {
  const people = { class: 'identities', fields: { id: 'employee', end: 'last_day' }, keys: { email: 'mail' }, attributes: ['dept'] }
  expect(refusal({ employee: 'P1', last_day: 'soon' }, people)).toMatch(/^last_day: expected an ISO 8601 date/)
  expect(refusal({ last_day: '2026-11-01' }, people)).toMatch(/^employee: /)
  expect(refusal({ employee: 'P1', mail: 7 }, people)).toMatch(/^mail: /)
  expect(refusal({ employee: 'P1', dept: [] }, people)).toMatch(/^dept: /)
  expect(refusal({ employee: 'P1', start: 'soon' }, people)).toMatch(/^start: /)
  expect(refusal({ employee: 'P1', mail: 'p1@example.org' }, people)).toBe('taken')
  expect(refusal({ employee: 'P1', dept: 'x'.repeat(5 * 2 ** 20) }, people)).toMatch(/attributes of at most 4194304 characters/)
})

it('a row about an account names its application by a name that can be one: erp/x is none, and its account ann no account of erp', () => {
  const slashed = /^system: expected the name of an application, which has no slash$/
  const fields = { app: 'system' }
  expect(refusal({ system: 'erp/x', account: 'ann', identity: 'P1' }, { class: 'links', fields })).toMatch(slashed)
  const request = { id: 'R1', system: 'erp/x', entitlement: 'e', from: '2026-01-01', approvedBy: 'P1' }
  expect(refusal({ ...request, account: 'ann' }, { class: 'requests', fields })).toMatch(slashed)
  expect(refusal({ ...request, identity: 'P2' }, { class: 'requests', fields })).toBe('taken')
  const decision = { id: 'D1', campaign: 'spring', system: 'erp/x', entitlement: 'e', verdict: 'revoke', by: 'P1', at: '2026-01-01' }
  expect(refusal({ ...decision, account: 'ann' }, { class: 'decisions', fields })).toMatch(slashed)
})

it('a row that contradicts itself is told without a column', () => {
  const row = { no: 'R1', app: 'crm', entitlement: 'e', from: '2026-01-01', approvedBy: 'P1' }
  expect(refusal(row, { class: 'requests', fields: { id: 'no' } })).toBe('expected either identity or account')
  expect(refusal({ id: 'P1', end: '2026-11-27', lastDay: '2026-11-27' }, { class: 'identities' })).toBe('expected either end or lastDay')
  expect(refusal({ ...row, no: undefined, id: 'R1', identity: 'P1', until: '2026-11-27', lastDay: '2026-11-27' }, { class: 'requests' })).toBe('expected either until or lastDay')
  expect(refusal({ id: 'P1', lastDay: '2026-11-27T08:00:00Z' }, { class: 'identities' })).toMatch(/^lastDay: expected an ISO 8601 date/)
})
