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

  it('says nothing while there is nothing to say, and says so when all is taken back', () => {
    const driver = started()
    expect(driver.push(decision('d1', '', 'erp:read', 'revoke', 700, aboutAccount('svc-7')))).toEqual([])
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
