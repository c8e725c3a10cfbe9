import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postIntent } from '../../../src/connect/feeds/post.ts'
import { Lab } from '../lab.ts'

let lab: Lab
beforeEach(() => {
  lab = new Lab()
})
afterEach(() => lab.dispose())

const shape = { class: 'identities', fields: { id: 'number' }, keys: {}, attributes: [] } as const
const frame = { canonical: (_app: string, id: string) => id, apps: new Set(['shop']) }
const post = async (rows: unknown[]) => await postIntent(await lab.source('hr'), { ...frame, shape: { ...shape, attributes: [] } }, rows)

describe('posted rows', () => {
  it('are in the log outside of any run, each later than the one before', async () => {
    expect(await post([{ number: '1', display: 'Ann' }, { number: 2 }])).toEqual({ accepted: 2, rejected: [], unknownApps: [] })
    expect(await post([{ number: '1', removed: true }])).toEqual({ accepted: 1, rejected: [], unknownApps: [] })
    const all = await lab.of('intent', 'Identity')
    expect(all.map(({ id, run, removed }) => [id, run, removed]).sort()).toEqual([['1', null, false], ['1', null, true], ['2', null, false]])
    const first = all.find(({ display }) => display === 'Ann')!
    expect(all.find(({ removed }) => removed)!.observed).toBeGreaterThan(first.observed)
    expect(await lab.of('intent', 'RunBegin')).toEqual([])
    const told = { source: 'hr', run: 0, phase: 'end', verdict: 'unknown', reason: 'posted', classes: [{ class: 'identities', counts: [] }] }
    expect(await lab.all('sync-runs')).toMatchObject([{ ...told, read: 2 }, { ...told, read: 1 }])
  })

  it('are told apart: what holds is accepted, the rest is named and kept as dead letters', async () => {
    const result = await post([{ number: '1' }, { number: '2', start: 'soon' }, 'text', null, { display: 'S3cret' }, { number: '3', removed: 'yes' }])
    expect(result.accepted).toBe(1)
    expect(result.rejected.map(({ index, id }) => [index, id])).toEqual([[1, '2'], [2, null], [3, null], [4, null], [5, '3']])
    expect(result.rejected[0]!.reason).toContain('start: expected an ISO 8601 date')
    const letters = await lab.all('dead-letters')
    expect(letters).toHaveLength(5)
    expect(JSON.stringify(letters)).not.toContain('S3cret')
    expect(letters.every(({ stage, run }) => stage === 'post' && run === null)).toBe(true)
  })

  it('say which times are understood, also where there is none', async () => {
    const { rejected } = await postIntent(await lab.source('hr'), { ...frame, shape: { class: 'role-assignments', fields: {}, keys: {}, attributes: [] } }, [{ identity: 'I1', role: 'clerk' }])
    expect(rejected[0]!.reason).toBe('from: expected an ISO 8601 date, a date-time with Z or offset, or epoch milliseconds')
  })

  it('of one id that contradict each other are all rejected', async () => {
    const result = await post([{ number: '1', display: 'Ann' }, { number: '1', display: 'Bob' }])
    expect(result).toMatchObject({ accepted: 0, rejected: [{ index: 0, id: '1' }, { index: 1, id: '1' }] })
    expect(await lab.all('sync-runs')).toEqual([])
  })

  it('that name an application which the config file never had are taken, and the answer says so', async () => {
    const request = (id: string, app: string, more: object = {}) => ({ id, identity: '7', app, entitlement: 'e', from: '2026-01-01', approvedBy: '8', ...more })
    const rows = [request('1', 'sohp'), request('2', 'shop'), request('3', 'sohp'), request('4', 'wiki', { from: 'soon' }), request('5', 'hr'), request('5', 'hr', { identity: '9' })]
    const result = await postIntent(await lab.source('desk'), { ...frame, shape: { class: 'requests', fields: {}, keys: {}, attributes: [] } }, rows)
    expect(result).toMatchObject({ accepted: 3, rejected: [{ index: 3 }, { index: 4 }, { index: 5 }], unknownApps: [{ app: 'sohp', rows: 2, near: 'shop' }] })
    expect(await lab.of('intent', 'AccessRequest')).toHaveLength(3)
  })

  it('that are none write nothing', async () => {
    expect(await post([])).toEqual({ accepted: 0, rejected: [], unknownApps: [] })
    expect(await lab.all('intent')).toEqual([])
  })
})
