import { describe, expect, it } from 'vitest'
import { unpackStanding } from '../../../processors/entitle/stored-objects.ts'
import type { IntentRecord } from '../../../schemas/wire/intent.ts'
import type { Driver } from './given.ts'
import { assignment, brief, briefLapses, decision, desired, keyBook, of, person, request, role, started, tick, types } from './given.ts'

const ann = { attributes: { department: 'sales' }, keys: [{ space: 'mail', key: 'Ann@X.org', since: null }] }
const salesRole = role('sales', ['crm:read', 'erp:quote'], { when: { department: 'sales' } })

describe('a joiner', () => {
  it('gets the roles that match, since the start, and a key book entry', () => {
    const driver = started()
    const outputs = driver.push(salesRole, person('ann', ann))
    expect(types(outputs)).toEqual(['KeyBook', 'Desired'])
    expect(outputs.map(({ topic, key }) => [topic, key])).toEqual([['raw', null], ['facts', 'identity/ann']])
    expect(desired(driver, 'ann')).toMatchObject({ home: 'identity/ann', identity: 'ann', status: 'active', start: 100, end: null, lapsed: [] })
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 100- business-role:sales', 'erp:quote 100- business-role:sales'])
    expect(keyBook(driver, 'ann')).toMatchObject({
      revision: 1, status: 'active', continues: null, keys: [{ space: 'mail', key: 'ann@x.org', since: 100, until: null }],
    })
  })

  it('names the records that it rests on', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read'))
    const { sources, entries, cause } = desired(driver, 'ann')
    expect(sources.map(({ offset }) => offset)).toEqual([2, 3])
    expect(entries[0]?.reasons[0]).toEqual({
      kind: 'request', id: 'r1', by: 'boss', from: 200, until: null, source: { topic: 'intent', partition: 0, offset: 3, index: 0 },
    })
    expect(cause.offset).toBe(3)
  })

  it('names in the key book what the feed says of it where something else is the cause', () => {
    const driver = started()
    driver.push(person('ann', { ...ann, start: 5_000 }))
    expect(keyBook(driver, 'ann')).toMatchObject({ revision: 1, sources: null, cause: { offset: 2 } })
    driver.push(tick(5_000))
    expect(keyBook(driver, 'ann')).toMatchObject({ revision: 2, sources: [{ topic: 'intent', partition: 0, offset: 2, index: 0 }], cause: { offset: 3 } })
    driver.push(person('ann', { ...ann, feed: 'agency', start: 5_000, keys: [{ space: 'mail', key: 'a@y.org', since: null }] }))
    expect(keyBook(driver, 'ann')).toMatchObject({ revision: 3, sources: [{ offset: 2 }, { offset: 4 }] })
  })

  it('is planned until the start, then active by a tick alone', () => {
    const driver = started()
    driver.push(salesRole, person('ann', { ...ann, start: 5_000 }), request('r1', 'ann', 'hr:leave'))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'planned', start: 5_000, entries: [], lapsed: [] })
    expect(driver.push(tick(4_999))).toEqual([])
    expect(types(driver.push(tick(5_000)))).toEqual(['KeyBook', 'Desired'])
    expect(desired(driver, 'ann').status).toBe('active')
    expect(brief(desired(driver, 'ann').entries)).toEqual([
      'crm:read 5000- business-role:sales', 'erp:quote 5000- business-role:sales', 'hr:leave 5000- request:r1',
    ])
    expect(keyBook(driver, 'ann')).toMatchObject({ revision: 2, status: 'active' })
  })

  it('whose start is corrected has roles and keys since the corrected one', () => {
    const driver = started()
    driver.push(salesRole, person('ann', { ...ann, start: 5_000 }), person('ann', { ...ann, start: 600, observed: 2_000_000 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 600- business-role:sales', 'erp:quote 600- business-role:sales'])
    expect(keyBook(driver, 'ann').keys).toMatchObject([{ since: 600, until: null }])
    driver.push(person('ann', { ...ann, start: 600, end: 900, observed: 3_000_000 }), person('ann', { ...ann, start: 950, observed: 4_000_000 }))
    expect(brief(desired(driver, 'ann').entries)[0]).toBe('crm:read 950- business-role:sales')
    expect(keyBook(driver, 'ann').keys).toMatchObject([{ since: 600, until: null }])
  })

  it('that is planned for no known day begins nothing', () => {
    const driver = started()
    driver.push(person('ann', { status: 'planned', start: null }), request('r1', 'ann', 'hr:leave'))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'planned', entries: [], lapsed: [] })
  })

  it('without any intent is told too: reconcile needs the status', () => {
    const driver = started()
    driver.push(person('ann'))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'active', entries: [] })
  })

  it('finds what was asked for before anybody knew of them', () => {
    const driver = started()
    const early = driver.push(role('clerk', ['erp:post']), assignment('a1', 'ann', 'clerk'), request('r1', 'ann', 'crm:read'), decision('d1', 'ann', 'crm:read', 'keep', 300))
    expect(early).toEqual([])
    driver.push(person('ann'))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 200- decision:d1 request:r1', 'erp:post 200- business-role:clerk'])
  })
})

describe('desired access over time', () => {
  it('expires by a tick, at its end date', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read', { until: 3_000 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 200-3000 request:r1'])
    expect(driver.push(tick(2_999))).toEqual([])
    driver.push(tick(7_000))
    expect(desired(driver, 'ann').entries).toEqual([])
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read expired@3000 request:r1'])
    expect(driver.push(tick(9_000))).toEqual([])
  })

  it('begins by a tick, and a later entry replaces the lapse', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read', { until: 900 }), request('r2', 'ann', 'crm:read', { from: 2_000 }))
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read expired@900 request:r1'])
    driver.push(tick(2_000))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 2000- request:r2'])
    expect(desired(driver, 'ann').lapsed).toEqual([])
  })

  it('has one entry for several reasons: from the first, until the last', () => {
    const driver = started()
    driver.push(person('ann'), request('r2', 'ann', 'crm:read', { from: 150, until: 8_000 }), request('r1', 'ann', 'crm:read', { from: 50, until: 4_000 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 100-8000 request:r1 request:r2'])
    driver.push(tick(4_000))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 150-8000 request:r2'])
    expect(desired(driver, 'ann').lapsed).toEqual([])
  })

  it('that is withdrawn is kept as lapsed, at the time that the source gives or now', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read'), request('r2', 'ann', 'hr:leave'))
    driver.push(request('r1', 'ann', 'crm:read', { removed: true, observed: 2_000_000 }))
    driver.push(request('r2', 'ann', 'hr:leave', { removed: true, observed: 2_000_000, valid: 640 }))
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read withdrawn@1000 request:r1', 'hr:leave withdrawn@640 request:r2'])
  })

  it('stays expired when the feed drops the request that had expired', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read', { until: 900 }))
    const outputs = driver.push(request('r1', 'ann', 'crm:read', { removed: true, observed: 2_000_000 }))
    expect(outputs).toEqual([])
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read expired@900 request:r1'])
  })

  it('moves with a request that is corrected to somebody else', () => {
    const driver = started()
    driver.push(person('ann'), person('bob'), request('r1', 'ann', 'crm:read'))
    driver.push(request('r1', 'bob', 'crm:read', { observed: 2_000_000 }))
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read withdrawn@1000 request:r1'])
    expect(brief(desired(driver, 'bob').entries)).toEqual(['crm:read 200- request:r1'])
  })
})

describe('a certification decision', () => {
  it('to revoke denies every reason that began before it, and none that began later', () => {
    const driver = started()
    driver.push(person('ann'), role('clerk', ['crm:read']), assignment('a1', 'ann', 'clerk'), request('r1', 'ann', 'crm:read'))
    driver.push(decision('d1', 'ann', 'crm:read', 'revoke', 500))
    expect(desired(driver, 'ann').entries).toEqual([])
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read denied@500 business-role:clerk'])
    driver.push(request('r2', 'ann', 'crm:read', { from: 600 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 600- request:r2'])
    expect(desired(driver, 'ann').lapsed).toEqual([])
  })

  it('to revoke at a time to come waits for it', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read'), decision('d1', 'ann', 'crm:read', 'revoke', 3_000))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 200- request:r1'])
    driver.push(tick(3_000))
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['crm:read denied@3000 request:r1'])
  })

  it('to revoke what a joiner was promised cancels it before the first day', () => {
    const driver = started()
    driver.push(person('ann', { start: 5_000 }), request('r1', 'ann', 'crm:read'), decision('d1', 'ann', 'crm:read', 'revoke', 900), tick(6_000))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'active', entries: [], lapsed: [{ why: 'denied', at: 900, reason: { id: 'r1' } }] })
  })

  it('that reaches back before the beginning says the same in either order', () => {
    const said = (records: readonly IntentRecord[]): unknown => {
      const driver = started()
      driver.push(person('ann', { start: 700 }), ...records, tick(6_000))
      return desired(driver, 'ann').lapsed.map(({ why, at }) => [why, at])
    }
    const [asked, denied] = [request('r1', 'ann', 'crm:read', { from: 100 }), decision('d1', 'ann', 'crm:read', 'revoke', 700)]
    expect(said([asked, denied])).toEqual([['denied', 700]])
    expect(said([denied, asked])).toEqual([['denied', 700]])
  })

  it('to keep is a reason of its own, which outlives a request', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read', { until: 2_000 }), decision('d1', 'ann', 'crm:read', 'keep', 700), tick(2_500))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 700- decision:d1'])
  })

  it('that is taken back restores what it denied', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'crm:read'), decision('d1', 'ann', 'crm:read', 'revoke', 500))
    driver.push(decision('d1', 'ann', 'crm:read', 'revoke', 500, { removed: true, observed: 2_000_000 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:read 200- request:r1'])
    expect(desired(driver, 'ann').lapsed).toEqual([])
  })
})

describe('a mover', () => {
  it('loses the old department’s role and gets the new one’s from the day of the move', () => {
    const driver = started()
    driver.push(salesRole, role('staff', ['hr:leave'], { when: { site: 'north' } }), role('plant', ['mes:run'], { when: { department: 'plant' } }))
    driver.push(person('ann', { attributes: { department: 'sales', site: 'north' } }))
    driver.push(person('ann', { attributes: { department: 'plant', site: 'north' }, observed: 2_000_000, valid: 950 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['hr:leave 100- business-role:staff', 'mes:run 950- business-role:plant'])
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual([
      'crm:read withdrawn@950 business-role:sales', 'erp:quote withdrawn@950 business-role:sales',
    ])
  })

  it('whose record changes in another field begins nothing anew', () => {
    const driver = started()
    driver.push(salesRole, person('ann', ann))
    driver.push(person('ann', { ...ann, display: 'Ann', observed: 9_000_000 }))
    expect(brief(desired(driver, 'ann').entries)[0]).toBe('crm:read 100- business-role:sales')
  })
})

describe('a leaver', () => {
  it('ends by a tick on the end date: all entries lapse, keys stay claimed', () => {
    const driver = started()
    driver.push(salesRole, person('ann', { ...ann, end: 4_000 }), request('r1', 'ann', 'hr:leave', { until: 2_000 }), tick(3_000))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'active', end: 4_000 })
    driver.push(tick(5_000))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'ended', end: 4_000, entries: [] })
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual([
      'crm:read ended@4000 business-role:sales', 'erp:quote ended@4000 business-role:sales', 'hr:leave expired@2000 request:r1',
    ])
    expect(keyBook(driver, 'ann')).toMatchObject({ status: 'ended', revision: 2, keys: [{ key: 'ann@x.org', until: null }] })
  })

  it('that is ended without a date ends now, or when the record says it became so', () => {
    const driver = started()
    driver.push(person('ann'), person('bob'), request('r1', 'ann', 'hr:leave'), request('r2', 'bob', 'hr:leave'))
    driver.push(person('ann', { status: 'ended', observed: 2_000_000 }), person('bob', { status: 'ended', observed: 2_000_000, valid: 800 }))
    expect(briefLapses(desired(driver, 'ann').lapsed)).toEqual(['hr:leave ended@1000 request:r1'])
    expect(desired(driver, 'ann').end).toBe(1_000)
    expect(briefLapses(desired(driver, 'bob').lapsed)).toEqual(['hr:leave ended@800 request:r2'])
    expect(driver.push(tick(2_000), person('ann', { status: 'ended', display: 'A.', observed: 3_000_000 })).length).toBe(1)
    expect(desired(driver, 'ann').end).toBe(1_000)
  })

  it('whose mail is dropped from the feed with the end keeps the claim', () => {
    const driver = started()
    driver.push(person('ann', ann), person('ann', { ...ann, status: 'ended', end: 900, keys: [], observed: 2_000_000 }))
    expect(keyBook(driver, 'ann').keys).toEqual([{ space: 'mail', key: 'ann@x.org', since: 100, until: null }])
  })

  it('that is removed from the feed is ended, never forgotten', () => {
    const driver = started()
    driver.push(salesRole, person('ann', ann))
    driver.push(person('ann', { removed: true, observed: 2_000_000 }))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'ended', end: 1_000, entries: [] })
    expect(desired(driver, 'ann').lapsed.map(({ why }) => why)).toEqual(['ended', 'ended'])
    expect(keyBook(driver, 'ann').keys).toEqual([{ space: 'mail', key: 'ann@x.org', since: 100, until: null }])
    expect(driver.push(person('ann', { removed: true, observed: 3_000_000 }))).toEqual([])
  })

  it('that comes back under the same id has the old access again where it is still meant', () => {
    const driver = started()
    driver.push(person('ann'), request('r1', 'ann', 'hr:leave'), person('ann', { status: 'ended', end: 900, observed: 2_000_000 }))
    driver.push(tick(5_000), person('ann', { start: 4_000, observed: 3_000_000 }))
    expect(desired(driver, 'ann')).toMatchObject({ status: 'active', end: null, lapsed: [] })
    expect(brief(desired(driver, 'ann').entries)).toEqual(['hr:leave 4000- request:r1'])
  })

  it('that comes back under a new id: the new identity says whom it continues, both claim the key', () => {
    const driver = started()
    driver.push(person('ann1', { ...ann, end: 500 }))
    driver.push(person('ann2', { ...ann, start: 800, continues: 'ann1' }))
    expect(keyBook(driver, 'ann1')).toMatchObject({ status: 'ended', continues: null, keys: [{ since: 100, until: null }] })
    expect(keyBook(driver, 'ann2')).toMatchObject({ status: 'active', continues: 'ann1', keys: [{ since: 800, until: null }] })
  })
})

describe('keys', () => {
  it('that vanish are released when the source says so, those that come are claimed from then', () => {
    const driver = started()
    driver.push(person('ann', ann))
    driver.push(person('ann', { ...ann, keys: [{ space: 'mail', key: 'ann.b@x.org', since: null }], observed: 2_000_000 }))
    expect(keyBook(driver, 'ann')).toMatchObject({ revision: 2 })
    expect(keyBook(driver, 'ann').keys).toEqual([
      { space: 'mail', key: 'ann.b@x.org', since: 2_000, until: null }, { space: 'mail', key: 'ann@x.org', since: 100, until: 2_000 },
    ])
  })

  it('are published again only when they change, whole, to every raw partition', () => {
    const driver = started({ partitions: 4 })
    driver.push(person('ann', ann))
    const outputs = driver.push(person('ann', { ...ann, display: 'Ann', observed: 2_000_000 }))
    expect(types(outputs)).toEqual(['Desired'])
    const again = driver.push(person('ann', { ...ann, continues: 'old', display: 'Ann', observed: 3_000_000 }))
    expect(again.map(({ topic, key, record }) => [topic, key, record.type])).toEqual([['raw', null, 'KeyBook']])
  })

  it('of an identity that two feeds know are all of theirs; one feed’s end does not end it', () => {
    const driver = started()
    driver.push(person('ann', { ...ann, feed: 'contractors' }), person('ann', { ...ann, keys: [{ space: 'number', key: '17', since: 50 }] }))
    expect(keyBook(driver, 'ann').keys.map(({ key, since }) => [key, since])).toEqual([['ann@x.org', 100], ['17', 50]])
    driver.push(person('ann', { feed: 'contractors', removed: true, observed: 2_000_000 }))
    expect(desired(driver, 'ann').status).toBe('active')
    expect(keyBook(driver, 'ann').keys.map(({ key, until }) => [key, until])).toEqual([['ann@x.org', 2_000], ['17', null]])
    driver.push(person('ann', { ...ann, removed: true, observed: 2_000_000 }))
    expect(desired(driver, 'ann').status).toBe('ended')
  })
})

describe('observations', () => {
  it('older than what is known change nothing, whatever they say', () => {
    const driver = started()
    driver.push(person('ann', { display: 'new', observed: 5_000_000 }), request('r1', 'ann', 'crm:read', { removed: true, observed: 5_000_000 }))
    const state = driver.dump()
    expect(driver.push(
      person('ann', { display: 'old', observed: 4_999_999 }), person('ann', { removed: true, observed: 4_999_999 }),
      request('r1', 'ann', 'crm:read', { observed: 4_999_999 }),
    )).toEqual([])
    expect(driver.dump()).toBe(state)
  })

  it('of equal content tell nothing and move nothing but the stamp, whenever they were made', () => {
    const driver = started()
    driver.push(person('ann', ann), salesRole, request('r1', 'ann', 'crm:read'))
    const before = unstamped(driver)
    expect(driver.push(
      person('ann', { ...ann, observed: 2_000_000, valid: 5 }), { ...salesRole, observed: 2_000_000 },
      request('r1', 'ann', 'crm:read', { observed: 2_000_000 }),
    )).toEqual([])
    expect(unstamped(driver)).toBe(before)
  })

  it('that say the same in a newer record are not told again', () => {
    const driver = started()
    driver.push(salesRole, person('ann', ann))
    expect(driver.push({ ...salesRole, name: 'Sales', observed: 2_000_000 })).toEqual([])
    expect(of(driver.outputs, 'Desired')).toHaveLength(1)
  })
})

/** All rows, but not when objects were observed last. */
function unstamped(driver: Driver): string {
  const standings = [...driver.table('objects')].map(([key, packed]) => [key, { ...unpackStanding(packed as Uint8Array), observed: 0 }])
  const others = (JSON.parse(driver.dump()) as [table: string, rows: unknown][]).filter(([table]) => table !== 'objects')
  return JSON.stringify([standings, others]).replaceAll(/\\"observed\\":\d+,\\"since/g, '"since')
}
