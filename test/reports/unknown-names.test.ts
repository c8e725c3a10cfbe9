import { afterAll, beforeAll, expect, it } from 'vitest'
import { unknownNames } from '../../src/reports/unknown-names.ts'
import { access, finding, grant } from '../sink/records.ts'
import { openTables, type Tables } from './tables.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
  await tables.add('access', access({ set: [grant()] }), access({ gone: true, set: [], removed: [] }))
  await tables.add('findings', finding({ identity: 'bob', account: null, app: 'portal', entitlement: 'portal.view', kind: 'missing-grant' }))
})
afterAll(() => tables.close())

const ask = (filters: Record<string, string>): Promise<string[]> => unknownNames(tables.store, filters)

it('knows who held access, also where nothing is left of it, and whoever something was found about', async () => {
  for (const filters of [{ identity: 'ann' }, { identity: 'bob' }, { account: 'ann@x' }, { entitlement: 'invoices:write' }, { entitlement: 'INV_W' }, { entitlement: 'portal.view' }]) {
    expect(await ask(filters)).toEqual([])
  }
})

it('names what was never held, whatever else is asked', async () => {
  expect(await ask({ identity: 'amn', account: 'ann@x', entitlement: 'INV_V', verdict: 'matched' })).toEqual(['identity', 'entitlement'])
  expect(await ask({ app: 'billing' })).toEqual([])
  expect(await ask({ account: "x' OR 1=1 --" })).toEqual(['account'])
})

it('looks for accounts and entitlements in the application that is named', async () => {
  expect(await ask({ app: 'portal', identity: 'ann', account: 'ann@x', entitlement: 'invoices:write' })).toEqual(['account', 'entitlement'])
  expect(await ask({ app: 'portal', entitlement: 'portal.view' })).toEqual([])
})
