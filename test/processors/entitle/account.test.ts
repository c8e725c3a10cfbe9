import { describe, expect, it } from 'vitest'
import { aboutAccount, accountIntent, brief, briefLapses, decision, link, of, request, started, tick, types } from './given.ts'

describe('intent about an account', () => {
  it('goes to raw under the account’s key, whole', () => {
    const driver = started()
    const outputs = driver.push(link('l1', 'svc-7', 'ann', { relation: 'owner' }))
    expect(outputs).toMatchObject([{ topic: 'raw', key: 'erp/svc-7', record: { type: 'AccountIntent', app: 'erp', id: 'svc-7', link: null, owner: 'ann', entries: [] } }])
    driver.push(request('r1', '', 'erp:post', aboutAccount('svc-7')), link('l2', 'svc-7', 'bob'))
    expect(accountIntent(driver, 'svc-7')).toMatchObject({ link: 'bob', owner: 'ann' })
    expect(brief(accountIntent(driver, 'svc-7').entries)).toEqual(['erp:post 200- request:r1'])
    expect(accountIntent(driver, 'svc-7').sources.map(({ offset }) => offset)).toEqual([2, 3, 4])
  })

  it('needs no identity, obeys decisions and time', () => {
    const driver = started()
    driver.push(request('r1', '', 'erp:post', { ...aboutAccount('svc-7'), until: 3_000 }), request('r2', '', 'erp:read', aboutAccount('svc-7')))
    driver.push(decision('d1', '', 'erp:read', 'revoke', 700, aboutAccount('svc-7')))
    expect(brief(accountIntent(driver, 'svc-7').entries)).toEqual(['erp:post 200-3000 request:r1'])
    driver.push(tick(3_000))
    expect(briefLapses(accountIntent(driver, 'svc-7').lapsed)).toEqual(['erp:post expired@3000 request:r1', 'erp:read denied@700 request:r2'])
  })

  it('tells a decision against what nobody gave to it, once it is in force: its person may have it', () => {
    const driver = started()
    driver.push(decision('d1', '', 'erp:read', 'revoke', 700, aboutAccount('svc-7')))
    const reason = { kind: 'decision', id: 'd1', by: 'auditor', from: 700 }
    expect(accountIntent(driver, 'svc-7')).toMatchObject({ entries: [], lapsed: [], revoked: [{ app: 'erp', entitlement: 'read', reason }] })
    expect(accountIntent(driver, 'svc-7').sources.map(({ offset }) => offset)).toEqual([2])
    expect(driver.push(decision('d2', '', 'erp:post', 'revoke', 5_000, aboutAccount('svc-7')))).toEqual([])
    driver.push(tick(5_000))
    expect(accountIntent(driver, 'svc-7').revoked?.map((one) => one.entitlement)).toEqual(['post', 'read'])
    driver.push(decision('d1', '', 'erp:read', 'keep', 700, { ...aboutAccount('svc-7'), observed: 2_000_000 }))
    expect(accountIntent(driver, 'svc-7').revoked?.map((one) => one.entitlement)).toEqual(['post'])
  })

  it('that an older version had nothing to tell of is told when this one goes on with its state', () => {
    const driver = started()
    driver.push(decision('d1', '', 'erp:read', 'revoke', 700, aboutAccount('svc-7')))
    driver.forget('accounts')
    const told = driver.push({ type: 'Epoch', processor: 'entitle', version: 4, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null })
    expect(of(told, 'AccountIntent')).toMatchObject([{ id: 'svc-7', revoked: [{ entitlement: 'read' }] }])
  })

  it('says nothing while there is nothing to say, and says so when all is taken back', () => {
    const driver = started()
    driver.push(link('l1', 'svc-8', 'ann'))
    driver.push(link('l1', 'svc-8', 'ann', { removed: true, observed: 2_000_000 }))
    expect(accountIntent(driver, 'svc-8')).toMatchObject({ link: null, owner: null, entries: [], lapsed: [] })
  })

  it('with two links takes the newer one, whichever came first', () => {
    for (const order of [[0, 1], [1, 0]]) {
      const links = [link('l1', 'svc-7', 'ann', { valid: 800 }), link('l2', 'svc-7', 'bob', { valid: 900 })]
      const driver = started()
      driver.push(...order.map((i) => links[i]!))
      expect(accountIntent(driver, 'svc-7').link).toBe('bob')
    }
  })

  it('moves with a link that is corrected to another account', () => {
    const driver = started()
    driver.push(link('l1', 'svc-7', 'ann'), link('l1', 'svc-8', 'ann', { observed: 2_000_000 }))
    expect(accountIntent(driver, 'svc-7').link).toBeNull()
    expect(accountIntent(driver, 'svc-8').link).toBe('ann')
  })

  it('whose id holds slashes keeps it', () => {
    const driver = started()
    driver.push(link('l1', 'cn=a/b/c', 'ann'), request('r1', '', 'erp:post', { ...aboutAccount('cn=a/b/c'), until: 2_000 }), tick(2_000))
    expect(types(driver.outputs)).toEqual(['AccountIntent', 'AccountIntent', 'AccountIntent'])
    expect(of(driver.outputs, 'AccountIntent').map(({ id }) => id)).toEqual(['cn=a/b/c', 'cn=a/b/c', 'cn=a/b/c'])
  })
})
