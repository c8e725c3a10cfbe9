import { describe, expect, it } from 'vitest'
import type { IntentRecord } from '../../../schemas/wire/intent.ts'
import type { Driver } from './given.ts'
import { aboutAccount, brief, decision, desired, keyBook, link, of, person, request, role, runOf, sources, started, tick, types } from './given.ts'

const staff = Array.from({ length: 10 }, (_, i) => person(`p${i}`, { keys: [{ space: 'mail', key: `p${i}@x.org`, since: null }] }))
const statuses = (driver: Driver): string => staff.map(({ id }) => desired(driver, id).status[0]).join('')
const ruling = (kind: 'release' | 'baseline' | 'retire', source: string, run: number | null = null): IntentRecord =>
  ({ type: 'Ruling', source, kind, run, by: 'admin', reason: 'checked', at: 1_000 })

describe('a complete run', () => {
  it('ends with the partition’s row and the marks, after everything they vouch for', () => {
    const driver = started({ partition: 2, partitions: 4 })
    const outputs = driver.push(...runOf('identities', staff.slice(0, 2), { run: 1, partition: 2 }))
    expect(types(outputs)).toEqual(['KeyBook', 'Desired', 'KeyBook', 'Desired', 'SyncRun', 'Baseline', 'KeysBaseline'])
    const [row, desiredMark, keysMark] = outputs.slice(4)
    expect(row).toMatchObject({ topic: 'sync-runs', key: 'hr', record: {
      source: 'hr', run: 1, phase: 'partition', partition: 2, verdict: 'complete', reason: null, at: 1_000, read: 2, changed: 2, absent: 0, held: 0,
    } })
    expect(desiredMark).toMatchObject({ topic: 'facts', key: null, record: { stage: 'desired', source: 'hr', class: 'identities', writer: 2, via: null, at: 1_000 } })
    expect(keysMark).toMatchObject({ topic: 'raw', key: null, record: { feed: 'hr', class: 'identities', writer: 2 } })
  })

  it('of business roles is complete though only the end of the definitions says so', () => {
    const driver = started()
    const outputs = driver.push(...runOf('business-roles', [role('a', ['crm:a'])], { run: 1 }).map((record) => (record.type === 'RunEnd' ? { ...record, classes: [] } : record)))
    expect(types(outputs)).toEqual(['SyncRun', 'Baseline', 'KeysBaseline'])
    expect(of(outputs, 'SyncRun')).toMatchObject([{ verdict: 'complete', changed: 1 }])
  })

  it('that shows nothing new writes no object row and sends nothing but its row and marks', () => {
    const driver = started()
    const roles = [role('sales', ['crm:a'], { when: { department: 'sales' } })]
    const requests = [request('r1', 'p1', 'crm:b'), request('r2', '', 'erp:c', aboutAccount('svc'))]
    const run = (n: number): IntentRecord[] => [
      ...runOf('identities', staff, { run: n }), ...runOf('business-roles', roles, { run: n }), ...runOf('requests', requests, { run: n }),
      ...runOf('links', [link('l1', 'svc', 'p2')], { run: n }),
    ]
    driver.push(...run(1))
    const before = rows(driver)
    const outputs = driver.push(...run(2))
    expect(types(outputs)).toEqual(Array.from({ length: 4 }, () => ['SyncRun', 'Baseline', 'KeysBaseline']).flat())
    expect(of(outputs, 'SyncRun').map(({ changed, absent }) => changed + absent)).toEqual([0, 0, 0, 0])
    expect(rows(driver)).toBe(before)
  })

  it('ends who is absent: nothing is forgotten, the keys stay claimed', () => {
    const driver = started()
    driver.push(...runOf('identities', staff, { run: 1 }), request('r1', 'p9', 'crm:a'))
    const outputs = driver.push(...runOf('identities', staff.slice(0, 9), { run: 2 }))
    expect(types(outputs)).toEqual(['KeyBook', 'Desired', 'SyncRun', 'Baseline', 'KeysBaseline'])
    expect(of(outputs, 'SyncRun')).toMatchObject([{ absent: 1, held: 0, changed: 0 }])
    expect(desired(driver, 'p9')).toMatchObject({ status: 'ended', end: 1_000, entries: [], lapsed: [{ why: 'ended', at: 1_000 }] })
    expect(keyBook(driver, 'p9').keys).toEqual([{ space: 'mail', key: 'p9@x.org', since: 100, until: null }])
    driver.push(...runOf('identities', staff, { run: 3 }))
    expect(desired(driver, 'p9')).toMatchObject({ status: 'active', end: null })
    expect(brief(desired(driver, 'p9').entries)).toEqual(['crm:a 200- request:r1'])
  })

  it('removes requests that are absent, and only its own feed’s', () => {
    const driver = started()
    driver.push(person('ann'), request('r3', 'ann', 'crm:c', { feed: 'portal' }))
    driver.push(...runOf('requests', [request('r1', 'ann', 'crm:a'), request('r2', 'ann', 'crm:b')], { run: 1 }))
    driver.push(...runOf('requests', [request('r1', 'ann', 'crm:a')], { run: 2 }))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:a 200- request:r1', 'crm:c 200- request:r3'])
  })

  it('leaves what was pushed since it began', () => {
    const driver = started()
    const [begin, definitionsEnd, first, end] = runOf('identities', staff.slice(0, 1), { run: 1 })
    driver.push(begin!, definitionsEnd!, first!, person('new', { observed: 10_500_000 }), end!)
    expect(desired(driver, 'new').status).toBe('active')
  })

  it('of a feed that no setting names is judged with the usual brake', () => {
    const driver = started()
    driver.push(...runOf('identities', staff, { run: 1, feed: 'unnamed' }))
    driver.push(...runOf('identities', staff.slice(0, 5), { run: 2, feed: 'unnamed' }))
    expect(of(driver.outputs, 'Held')).toMatchObject([{ source: 'unnamed', held: true, absent: 5, present: 10 }])
  })
})

describe('a run without proof', () => {
  it('cut at 60 % and partial removes nobody and sends no mark', () => {
    const driver = started()
    driver.push(...runOf('identities', staff, { run: 1 }))
    const outputs = driver.push(...runOf('identities', staff.slice(0, 6), { run: 2, verdict: 'partial' }))
    expect(types(outputs)).toEqual(['SyncRun'])
    expect(of(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', reason: 'page 3 was lost' }])
    expect(statuses(driver)).toBe('aaaaaaaaaa')
  })

  it('whose manifest promises more than arrived is partial here', () => {
    const driver = started()
    driver.push(...runOf('identities', staff, { run: 1 }))
    const outputs = driver.push(...runOf('identities', staff.slice(0, 6), { run: 2, counts: [10] }))
    expect(of(outputs, 'SyncRun')).toMatchObject([{ verdict: 'partial', reason: 'partition 0 received 6 records of identities, the manifest says 10' }])
    expect(statuses(driver)).toBe('aaaaaaaaaa')
  })

  it('that is filtered or of unknown completeness removes nobody', () => {
    const driver = started()
    driver.push(...runOf('identities', staff, { run: 1 }))
    const outputs = driver.push(...runOf('identities', staff.slice(0, 6), { run: 2, mode: 'filtered' }), ...runOf('identities', [], { run: 3, verdict: 'unknown' }))
    expect(types(outputs)).toEqual(['SyncRun', 'SyncRun'])
    expect(statuses(driver)).toBe('aaaaaaaaaa')
  })

  it('with a number that is not above the last one is ignored', () => {
    const driver = started()
    driver.push(...runOf('identities', staff, { run: 5 }))
    expect(driver.push(...runOf('identities', [], { run: 4, begin: 90_000_000 }))).toEqual([])
    expect(statuses(driver)).toBe('aaaaaaaaaa')
  })

  it('takes what was rejected on the way, or here, as seen', () => {
    const driver = started()
    driver.push(...runOf('requests', [request('r1', 'ann', 'crm:a'), request('r2', 'ann', 'crm:b')], { run: 1 }), person('ann'))
    const broken = request('r2', 'ann', 'crm:b', { subject: { identity: null, app: 'crm', account: null } })
    const [begin, definitionsEnd, bad, end] = runOf('requests', [broken], { run: 2, counts: [2] })
    const outputs = driver.push(begin!, definitionsEnd!, bad!, { type: 'IntentSeen', feed: 'requests', run: 2, class: 'requests', id: 'r1' }, end!)
    expect(types(outputs)).toEqual(['DeadLetter', 'SyncRun', 'Baseline', 'KeysBaseline'])
    expect(of(outputs, 'SyncRun')).toMatchObject([{ verdict: 'complete', read: 2, rejected: 2, absent: 0 }])
    expect(outputs[0]).toMatchObject({ topic: 'dead-letters', key: 'requests', record: {
      source: 'requests', run: 2, stage: 'entitle', code: 'no-subject', record: 'r2', at: 1_000, payload: '{"feed":"requests","id":"r2","type":"AccessRequest"}',
    } })
    expect(brief(desired(driver, 'ann').entries)).toHaveLength(2)
  })

  it('with one letter however many runs show it refused for the same reason; another one where the reason is', () => {
    const driver = started()
    const idsOf = (entitlement: string, run: number | null): string[] => {
      const refused = request('r1', '', entitlement, aboutAccount('svc-7'))
      const outputs = run === null ? driver.push(refused, refused) : driver.push(...runOf('requests', [refused], { run }))
      return of(outputs, 'DeadLetter').map(({ id }) => id)
    }
    const [first] = idsOf('crm:a', 1)
    expect(idsOf('crm:a', 2)).toEqual([first])
    expect(idsOf('crm:b', 3)).not.toEqual([first])
    expect(new Set([first, ...idsOf('crm:a', null)]).size).toBe(3)
  })

  it('and what an account is said to hold of another application', () => {
    const driver = started()
    const outputs = driver.push(request('r1', '', 'crm:a', aboutAccount('svc-7')), decision('d1', '', 'crm:a', 'keep', 700, aboutAccount('svc-7')))
    expect(outputs.map(({ topic }) => topic)).toEqual(['dead-letters', 'dead-letters'])
    expect(outputs[0]).toMatchObject({ record: { code: 'other-app', reason: 'a is said to be of crm, but the account svc-7 is of erp: name an entitlement of that application, or the identity' } })
  })

  it('and a record of a class that its feed does not hold go to the dead letters', () => {
    const driver = started()
    const outputs = driver.push(request('r1', 'ann', 'crm:a', { feed: 'hr' }))
    expect(outputs).toMatchObject([{ topic: 'dead-letters', record: { code: 'wrong-class', place: 'intent/0/2/0', reason: 'feed hr is declared to hold identities, this record is one of requests' } }])
  })
})

describe('the brake', () => {
  const braked = sources({ hr: { class: 'identities', maxAbsent: 50, maxAbsentShare: 0.2 }, roles: { class: 'business-roles', maxAbsent: 1, maxAbsentShare: 1 } }, 2)

  it('holds the absences of a feed cut at 60 % that calls itself complete; marks go out all the same', () => {
    const driver = started()
    driver.push(braked, ...runOf('identities', staff, { run: 1 }))
    const outputs = driver.push(...runOf('identities', staff.slice(0, 6), { run: 2 }))
    expect(types(outputs)).toEqual(['Held', 'SyncRun', 'Baseline', 'KeysBaseline'])
    expect(outputs[0]).toMatchObject({ topic: 'facts', key: 'source/hr', record: {
      home: 'source/hr', source: 'hr', run: 2, class: 'identities', writer: 0, held: true, absent: 4, present: 10,
    } })
    expect(of(outputs, 'SyncRun')).toMatchObject([{ absent: 0, held: 4 }])
    expect(statuses(driver)).toBe('aaaaaaaaaa')
  })

  it('lets go by a ruling for that run, of those who were not seen since', () => {
    const driver = started()
    driver.push(braked, ...runOf('identities', staff, { run: 1 }), ...runOf('identities', staff.slice(0, 6), { run: 2 }))
    expect(driver.push(ruling('release', 'hr', 1), ruling('release', 'erp', 2))).toEqual([])
    driver.push({ ...staff[9]!, observed: 20_500_000 })
    const outputs = driver.push(ruling('release', 'hr', 2))
    expect(types(outputs)).toEqual(['KeyBook', 'Desired', 'KeyBook', 'Desired', 'KeyBook', 'Desired', 'Held'])
    expect(of(outputs, 'Held')).toMatchObject([{ run: 2, held: false }])
    expect(statuses(driver)).toBe('aaaaaaeeea')
    const next = driver.push(...runOf('identities', staff, { run: 3 }))
    expect(of(next, 'SyncRun')).toMatchObject([{ absent: 0, held: 0, changed: 3 }])
    expect(statuses(driver)).toBe('aaaaaaaaaa')
  })

  it('is judged anew by the next complete run', () => {
    const driver = started()
    driver.push(braked, ...runOf('identities', staff, { run: 1 }), ...runOf('identities', staff.slice(0, 6), { run: 2 }))
    const outputs = driver.push(...runOf('identities', staff.slice(0, 9), { run: 3 }))
    expect(types(outputs)).toEqual(['KeyBook', 'Desired', 'Held', 'SyncRun', 'Baseline', 'KeysBaseline'])
    expect(of(outputs, 'Held')).toMatchObject([{ run: 2, held: false }])
    expect(statuses(driver)).toBe('aaaaaaaaae')
  })

  it('holds the end of all that a feed knows, one person or many, until it is released', () => {
    const driver = started({ partitions: 4 })
    driver.push(braked, ...runOf('identities', staff.slice(0, 1), { run: 1, counts: [1, 7, 0, 0] }))
    const outputs = driver.push(...runOf('identities', [], { run: 2, counts: [0, 0, 0, 0] }))
    expect(of(outputs, 'Held')).toMatchObject([{ run: 2, class: 'identities', held: true, absent: 1, present: 1 }])
    expect(desired(driver, 'p0').status).toBe('active')
    driver.push(ruling('release', 'hr', 2))
    expect(desired(driver, 'p0').status).toBe('ended')
  })

  it('lets one go who is alone in a partition, where others are shown in another', () => {
    const driver = started({ partitions: 4 })
    driver.push(braked, ...runOf('identities', staff.slice(0, 1), { run: 1, counts: [1, 7, 0, 0] }))
    expect(of(driver.push(...runOf('identities', [], { run: 2, counts: [0, 7, 0, 0] })), 'Held')).toEqual([])
    expect(desired(driver, 'p0').status).toBe('ended')
  })

  it('lets a feed of requests, or a campaign of decisions, come to its end', () => {
    const driver = started()
    driver.push(sources({ requests: { class: 'requests', maxAbsentShare: 0.2 }, reviews: { class: 'decisions', maxAbsentShare: 0.2 } }, 2), person('ann'))
    driver.push(...runOf('requests', [request('r1', 'ann', 'crm:a')], { run: 1 }), ...runOf('decisions', [decision('d1', 'ann', 'crm:b', 'keep', 300)], { run: 1 }))
    expect(brief(desired(driver, 'ann').entries)).toHaveLength(2)
    const outputs = driver.push(...runOf('requests', [], { run: 2 }), ...runOf('decisions', [], { run: 2 }))
    expect(of(outputs, 'Held')).toEqual([])
    expect(brief(desired(driver, 'ann').entries)).toEqual([])
  })

  it('for business roles, which every partition holds, is not divided by the partitions', () => {
    const driver = started({ partitions: 4 })
    const roles = [role('a', ['crm:a']), role('b', ['crm:b'])]
    driver.push(braked, ...runOf('business-roles', roles, { run: 1, counts: [2, 2, 2, 2] }), ...runOf('business-roles', roles.slice(1), { run: 2, counts: [1, 1, 1, 1] }))
    expect(of(driver.outputs, 'Held')).toEqual([])
    expect(driver.table('roles').size).toBe(1)
  })
})

describe('a ruling', () => {
  it('of kind baseline stands in for the complete run', () => {
    const driver = started()
    expect(driver.push(ruling('baseline', 'hr'))).toMatchObject([
      { topic: 'facts', key: null, record: { type: 'Baseline', stage: 'desired', source: 'hr', class: 'identities' } },
      { topic: 'raw', key: null, record: { type: 'KeysBaseline', feed: 'hr', class: 'identities' } },
    ])
    expect(driver.push(ruling('baseline', 'an-application'))).toEqual([])
  })

  it('of kind retire takes back all that the feed gave, and no more', () => {
    const driver = started({ budget: () => 1 })
    driver.push(person('ann'), ...runOf('requests', [request('r1', 'ann', 'crm:a')], { run: 1 }), request('r2', 'ann', 'crm:b', { feed: 'portal' }))
    driver.push(role('clerk', ['crm:c'], { feed: 'requests-roles' }), ruling('retire', 'requests'))
    expect(brief(desired(driver, 'ann').entries)).toEqual(['crm:b 200- request:r2'])
    expect(driver.table('objects').size).toBe(2)
    const run = driver.push(...runOf('requests', [request('r1', 'ann', 'crm:a')], { run: 2 }))
    expect(of(run, 'SyncRun')).toMatchObject([{ verdict: 'complete', changed: 1 }])
  })
})

describe('an epoch', () => {
  it('derives everything anew: what is the same is not told again', () => {
    const driver = started({ budget: () => 3 })
    driver.push(...staff, link('l1', 'svc', 'p1'))
    const epoch = (processor: string): IntentRecord => ({ type: 'Epoch', processor, version: 2, stateFormat: 1, release: '0.2.0', from: { offset: 0, index: 0 }, resumed: null })
    expect(driver.push(epoch('entitle'), epoch('normalise'), tick(2_000))).toEqual([])
  })
})

describe('a page that was read before an event', () => {
  const begin = 20_000_000
  const later = { observed: begin + 500 }

  it('changes nothing after it, also where the event only said again what was known', () => {
    const driver = started()
    driver.push(role('sales', ['crm:a'], { when: { department: 'sales' } }), person('p1', { attributes: { department: 'sales' } }), request('r1', 'p1', 'crm:b'))
    const before = brief(desired(driver, 'p1').entries)
    driver.push(
      role('sales', ['crm:a'], { when: { department: 'sales' }, ...later }),
      person('p1', { attributes: { department: 'sales' }, ...later }),
      request('r1', 'p1', 'crm:b', later),
    )
    driver.push(...runOf('business-roles', [role('sales', ['crm:z'])], { run: 2, begin, verdict: 'partial' }))
    driver.push(...runOf('identities', [person('p1', { attributes: { department: 'it' } })], { run: 2, begin, verdict: 'partial' }))
    driver.push(...runOf('requests', [request('r1', 'p1', 'crm:c')], { run: 2, begin, verdict: 'partial' }))
    expect(brief(desired(driver, 'p1').entries)).toEqual(before)
    driver.push(person('p1', { attributes: { department: 'it' }, observed: begin + 501 }))
    expect(brief(desired(driver, 'p1').entries)).toEqual(before.filter((entry) => !entry.startsWith('crm:a')))
  })

  it('does not bring back who was removed twice, before it and after it', () => {
    const driver = started()
    driver.push(person('p1'), person('p1', { removed: true, observed: begin }), person('p1', { removed: true, ...later }))
    driver.push(...runOf('identities', [person('p1')], { run: 2, begin, verdict: 'partial' }))
    expect(desired(driver, 'p1').status).toBe('ended')
  })
})

describe('stamps of removals', () => {
  it('are kept until a complete run tells as much', () => {
    const driver = started()
    driver.push(request('r1', 'ann', 'crm:a'), request('r1', 'ann', 'crm:a', { removed: true, observed: 2_000_000 }))
    expect(driver.table('removed').size).toBe(1)
    const [begin, definitionsEnd, end] = runOf('requests', [], { run: 1 })
    driver.push(begin!, definitionsEnd!, request('r2', 'ann', 'crm:b', { removed: true, observed: 10_000_001 }), end!)
    expect([...driver.table('removed').values()]).toEqual([10_000_001])
    driver.push(request('r1', 'ann', 'crm:a', { observed: 9_999_999 }))
    expect(driver.table('objects').size).toBe(0)
  })
})

/** All rows but the ledger's own: runs, seen bitmaps. */
function rows(driver: Driver): string {
  const tables = JSON.parse(driver.dump()) as [string, unknown[]][]
  return JSON.stringify(tables.filter(([name, all]) => !['runs', 'seen'].includes(name) && all.length > 0))
}
