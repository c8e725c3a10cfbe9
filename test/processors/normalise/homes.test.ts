import { describe, expect, test } from 'vitest'
import type { RawRecord } from '../../../schemas/wire/raw.ts'
import { World, account, app, gone, intent, keyBook, ofType, setting, tick } from './world.ts'

const day = 86_400_000
const mail = { values: { mail: 'Ann@X' } }

function world(...records: RawRecord[]): World {
  const made = new World()
  made.push(tick(10 * day), setting(), ...records)
  return made
}

describe('the home of a human account', () => {
  test('is its own key where nobody claims it', () => {
    expect(world(account('a', 1, mail)).fact('a')).toMatchObject({
      home: 'account/crm/a', match: 'none', identity: null, candidates: [], ownerState: 'not-needed',
    })
  })

  test('is the identity that claims its folded key, whichever came first', () => {
    const matched = { home: 'identity/i1', match: 'matched', identity: 'i1' }
    expect(world(account('a', 1, mail), keyBook('i1', [['email', 'ann@x', 0]])).fact('a')).toMatchObject({ ...matched, movedFrom: 'account/crm/a' })
    expect(world(keyBook('i1', [['email', 'ann@x', 0]]), account('a', 1, mail)).fact('a')).toMatchObject({ ...matched, movedFrom: null })
  })

  test('an alias is a key like any other', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0], ['email', 'ann.b@x', 5]]))
    made.push(account('a', 1, mail), account('b', 2, { values: { mail: 'ann.b@x' } }))
    expect([made.fact('a')?.identity, made.fact('b')?.identity]).toEqual(['i1', 'i1'])
  })

  test('a link wins over what the key says, and its end gives the account back', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), account('a', 1, mail), intent('a', { link: 'i2' }))
    expect(made.fact('a')).toMatchObject({ home: 'identity/i2', match: 'linked', movedFrom: 'identity/i1' })
    expect(made.push(intent('a', { link: 'i2' }))).toEqual([])
    made.push(intent('a', {}))
    expect(made.fact('a')).toMatchObject({ home: 'identity/i1', match: 'matched' })
    expect(made.plain.table('account-intents').size).toBe(0)
  })

  test('a link that comes before its account waits for it', () => {
    const made = world(intent('a', { link: 'i2' }))
    expect(made.plain.outputs).toEqual([])
    made.push(account('a', 1, mail))
    expect(made.fact('a')).toMatchObject({ match: 'linked', identity: 'i2', sources: [{ offset: 2 }, { offset: 3 }] })
  })

  test('the first rule whose key has a claimant decides, and an earlier one takes over when it gets one', () => {
    const rules = [{ space: 'number', attribute: 'no' }, { space: 'email', attribute: 'mail' }]
    const made = new World()
    made.push(setting({ match: rules }), account('a', 1, { values: { mail: 'ann@x', no: '7' } }), keyBook('i1', [['email', 'ann@x', 0]]))
    expect(made.fact('a')?.identity).toBe('i1')
    made.push(keyBook('i2', [['number', '7', 0]]))
    expect(made.fact('a')?.identity).toBe('i2')
    made.push(keyBook('i2', [], { revision: 2 }))
    expect(made.fact('a')?.identity).toBe('i1')
  })

  test('an entry with an older revision changes nothing', () => {
    const made = world(account('a', 1, mail), keyBook('i1', [['email', 'ann@x', 0]], { revision: 5 }))
    expect(made.push(keyBook('i1', [], { revision: 5 }), keyBook('i1', [], { revision: 4 }))).toEqual([])
  })

  test('a changed attribute moves the account: gone at the old home, then here', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), keyBook('i2', [['email', 'bo@x', 0]]), account('a', 1, mail))
    const outputs = made.push(account('a', 2, { values: { mail: 'bo@x' } }))
    expect(outputs.map(({ key, record }) => [key, record.type])).toEqual([['identity/i1', 'AccountGone'], ['identity/i2', 'AccountFact']])
    expect(outputs[0]?.record).toMatchObject({ reason: 'moved', to: 'identity/i2' })
    expect(outputs[1]?.record).toMatchObject({ movedFrom: 'identity/i1', since: 0 })
    expect([...made.plain.table('watchers').keys()].filter((key) => key.includes('ann@x'))).toEqual([])
  })

  test('changed match rules move the accounts of the app', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), account('a', 1, mail), account('b', 2, mail))
    const outputs = made.push(setting({ match: [] }, 2))
    expect(ofType(outputs, 'AccountFact').map((fact) => [fact.account, fact.match])).toEqual([['a', 'none'], ['b', 'none']])
    expect(made.push(setting({ match: [], reread: true }, 3), setting({}, 2))).toEqual([])
  })

  test('keys and ids may hold any text', () => {
    const made = world(
      account('a/b', 1, { values: { mail: '5:x/é😀' } }), account('a', 2, { values: { mail: '__proto__' } }),
      keyBook('i/1', [['email', '5:x/é😀', 0]]), keyBook('i/2', [['email', '__proto__', 0]]),
    )
    expect(made.fact('a/b')).toMatchObject({ home: 'identity/i/1', account: 'a/b' })
    expect(made.fact('a')).toMatchObject({ home: 'identity/i/2' })
    expect(ofType(made.push(gone('a/b', 3)), 'AccountGone')).toMatchObject([{ account: 'a/b', home: 'identity/i/1' }])
    expect(made.fact('a')).toBeDefined()
  })
})

describe('a key that was released', () => {
  const released = keyBook('i1', [['email', 'ann@x', 0, 10 * day]])

  test('is claimed until the allowed delay has passed, then time alone takes the account away', () => {
    const made = new World()
    made.push(tick(9 * day), setting({ allowedDelaySeconds: 2 * 86_400 }), account('a', 1, mail), released)
    expect(made.push(tick(12 * day - 1))).toEqual([])
    expect(made.fact('a')?.identity).toBe('i1')
    expect(ofType(made.push(tick(12 * day)), 'AccountFact')).toMatchObject([{ match: 'none', movedFrom: 'identity/i1' }])
    expect(made.plain.table('claim-timers').size).toBe(0)
  })

  test('does not take an older account along to who has it next: it is nobody’s until somebody settles that', () => {
    const made = new World()
    made.push(tick(11 * day), setting({ allowedDelaySeconds: 2 * 86_400 }), account('a', 1, mail), released, keyBook('i2', [['email', 'ann@x', 11 * day]]))
    expect(made.fact('a')).toMatchObject({ match: 'contested', identity: 'i1', candidates: ['i1', 'i2'] })
    expect(ofType(made.push(tick(12 * day)), 'AccountFact')).toMatchObject([{ match: 'contested', identity: null, candidates: ['i1', 'i2'], movedFrom: 'identity/i1' }])
    expect(ofType(made.push(keyBook('i2', [['email', 'ann@x', 11 * day]], { continues: 'i1', revision: 2 })), 'AccountFact')).toMatchObject([{ match: 'matched', identity: 'i2' }])
  })

  test('does not give an account that was made meanwhile back to who had it before', () => {
    const made = new World()
    const mine = { ...mail, created: 6 * day }
    made.push(tick(9 * day), setting({ allowedDelaySeconds: 2 * 86_400 }), keyBook('i2', [['email', 'ann@x', 0]], { status: 'ended' }))
    made.push(account('a', 1, mine), keyBook('i1', [['email', 'ann@x', 5 * day]]))
    expect(made.fact('a')).toMatchObject({ match: 'matched', identity: 'i1' })
    made.push(keyBook('i1', [['email', 'ann@x', 5 * day, 10 * day]], { revision: 2 }))
    expect(ofType(made.push(tick(12 * day)), 'AccountFact')).toMatchObject([{ match: 'contested', identity: 'i2', candidates: ['i1', 'i2'] }])
    const after = new World()
    after.push(tick(12 * day), setting({ allowedDelaySeconds: 2 * 86_400 }), keyBook('i1', [['email', 'ann@x', 5 * day, 10 * day]]), keyBook('i2', [['email', 'ann@x', 0]]))
    after.push(account('a', 1, mine))
    expect({ ...after.fact('a'), movedFrom: null }).toMatchObject({ match: 'contested', identity: 'i2', candidates: ['i1', 'i2'] })
  })

  test('many accounts are taken away in slices', () => {
    const made = new World()
    made.push(tick(9 * day), setting(), released, ...['a', 'b', 'c', 'd', 'e'].map((id, n) => account(id, n + 1, mail)))
    expect(ofType(made.push(tick(20 * day)), 'AccountFact')).toHaveLength(5)
  })

  test('a longer delay gives it back', () => {
    const made = world(account('a', 1, mail), released)
    expect(made.fact('a')?.match).toBe('none')
    made.push(setting({ allowedDelaySeconds: 86_400 }, 2))
    expect(made.fact('a')?.identity).toBe('i1')
  })

  test('an account that goes takes its timer along', () => {
    const made = new World()
    made.push(tick(9 * day), setting(), account('a', 1, mail), released, gone('a', 2))
    expect(made.plain.table('claim-timers').size).toBe(0)
    expect(made.plain.table('watchers').size).toBe(0)
  })
})

describe('a key with two claimants', () => {
  const leaver = keyBook('i1', [['email', 'ann@x', 1 * day]], { status: 'ended' })
  const joiner = keyBook('i2', [['email', 'ann@x', 5 * day]])

  test('is contested for an account that is older than the newer claim: it stays with the first', () => {
    const contested = { home: 'identity/i1', match: 'contested', identity: 'i1', candidates: ['i1', 'i2'] }
    expect(world(leaver, joiner, account('a', 1, { ...mail, created: 5 * day - 1 })).fact('a')).toMatchObject(contested)
    expect(world(leaver, joiner, account('a', 1, mail)).fact('a')).toMatchObject(contested)
  })

  test('is the newer one’s for an account that was created since', () => {
    const made = world(leaver, joiner, account('a', 1, { ...mail, created: 5 * day }))
    expect(made.fact('a')).toMatchObject({ match: 'matched', identity: 'i2', candidates: [] })
  })

  test('is the newer one’s where it continues the other, also along a chain that becomes known later', () => {
    const made = world(leaver, account('a', 1, mail), { ...joiner, continues: 'i3' })
    expect(made.fact('a')?.match).toBe('contested')
    made.push(keyBook('i3', [], { continues: 'i1' }))
    expect(made.fact('a')).toMatchObject({ match: 'matched', identity: 'i2', movedFrom: 'identity/i1' })
    made.push(keyBook('i3', [], { revision: 2 }))
    expect(made.fact('a')).toMatchObject({ match: 'contested', identity: 'i1' })
  })

  test('is nobody’s where both began together: the account is at home under its own key', () => {
    const made = world(leaver, keyBook('i2', [['email', 'ann@x', 1 * day]]), account('a', 1, mail))
    expect(made.fact('a')).toMatchObject({ home: 'account/crm/a', match: 'contested', identity: null, candidates: ['i1', 'i2'] })
  })

  test('names their entries in the key book, and since when both have claimed it; a plain match names the account’s own records', () => {
    const made = world(leaver, account('a', 1, mail))
    const offsets = (): number[] | undefined => made.fact('a')?.sources.map(({ offset }) => offset)
    expect([offsets(), made.fact('a')?.contestedSince]).toEqual([[3], null])
    made.push(joiner)
    expect(made.fact('a')).toMatchObject({ match: 'contested', contestedSince: 5 * day, sources: [2, 3, 4].map((offset) => ({ topic: 'raw', partition: 0, offset, index: 0 })) })
    // what is said of them later: the newer entry is named with the next fact
    expect(made.push(keyBook('i2', [['email', 'ann@x', 5 * day], ['email', 'bo@x', 0]], { revision: 2 }))).toEqual([])
    made.push(keyBook('i3', [['email', 'ann@x', 6 * day]]))
    expect([offsets(), made.fact('a')?.contestedSince]).toEqual([[2, 3, 5, 6], 5 * day])
  })

  test('names the entries that settle it, too', () => {
    const made = world(leaver, account('a', 1, mail), keyBook('i3', [], { continues: 'i1' }), { ...joiner, continues: 'i3' })
    expect(made.fact('a')).toMatchObject({ match: 'matched', contestedSince: null, sources: [2, 3, 4, 5].map((offset) => ({ offset })) })
  })

  test('is told anew where a correction moves the moment since when both have claimed it', () => {
    const made = world(leaver, joiner, account('a', 1, mail))
    expect(ofType(made.push(keyBook('i2', [['email', 'ann@x', 4 * day]], { revision: 2 })), 'AccountFact')).toMatchObject([{ contestedSince: 4 * day, sources: [{ offset: 2 }, { offset: 4 }, { offset: 5 }] }])
  })

  test('a link decides it', () => {
    const made = world(leaver, joiner, account('a', 1, mail), intent('a', { link: 'i2' }))
    expect(made.fact('a')).toMatchObject({ match: 'linked', identity: 'i2', candidates: [] })
  })
})

describe('an account that is not a person’s', () => {
  const bot = { kind: 'service', owner: 'Ann@x', values: {} } as const

  test('is at home under its own key, and its owner’s home gets a reference', () => {
    const made = world(account('bot', 1, bot), keyBook('i1', [['email', 'ann@x', 0]]))
    expect(made.fact('bot')).toMatchObject({ home: 'account/crm/bot', match: 'not-a-person', identity: null, owner: 'i1', ownerState: 'owned' })
    expect(ofType(made.plain.outputs, 'Reference')).toMatchObject([{ home: 'identity/i1', app, account: 'bot', kind: 'service', removed: false }])
  })

  test('without an owner says so', () => {
    expect(world(account('bot', 1, bot)).fact('bot')).toMatchObject({ owner: null, ownerState: 'none' })
    expect(world(account('bot', 1, { ...bot, owner: null })).fact('bot')).toMatchObject({ ownerState: 'none' })
  })

  test('an owner link wins, and the reference moves', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), account('bot', 1, bot))
    const outputs = made.push(intent('bot', { owner: 'i2' }))
    expect(ofType(outputs, 'Reference').map(({ home, removed }) => [home, removed])).toEqual([['identity/i1', true], ['identity/i2', false]])
    expect(made.fact('bot')).toMatchObject({ owner: 'i2', ownerState: 'owned', movedFrom: null })
  })

  test('a contested owner stays accountable', () => {
    const made = world(account('bot', 1, bot), keyBook('i1', [['email', 'ann@x', 1]]))
    const outputs = made.push(keyBook('i2', [['email', 'ann@x', 2]]))
    expect(ofType(outputs, 'Reference')).toEqual([])
    expect(made.fact('bot')).toMatchObject({ owner: 'i1', ownerState: 'contested', candidates: ['i1', 'i2'], contestedSince: 2, sources: [{ offset: 2 }, { offset: 3 }, { offset: 4 }] })
  })

  test('what it is, changed, is told to the owner; what it holds is not', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), account('bot', 1, { ...bot, direct: [] }))
    expect(ofType(made.push(account('bot', 2, { ...bot, direct: ['x'] })), 'Reference')).toEqual([])
    expect(ofType(made.push(account('bot', 3, { ...bot, direct: ['x'], status: 'disabled' })), 'Reference')).toMatchObject([{ status: 'disabled' }])
  })

  test('that goes is taken back from its owner', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), account('bot', 1, bot))
    const outputs = made.push(gone('bot', 2))
    expect(outputs.map(({ key, record }) => [key, record.type])).toEqual([['account/crm/bot', 'AccountGone'], ['identity/i1', 'Reference']])
    expect(outputs[1]?.record).toMatchObject({ removed: true })
  })

  test('that turns out to be a person’s moves home and needs no owner', () => {
    const made = world(keyBook('i1', [['email', 'ann@x', 0]]), account('bot', 1, bot))
    const outputs = made.push(account('bot', 2, mail))
    expect(ofType(outputs, 'Reference')).toMatchObject([{ home: 'identity/i1', removed: true }])
    expect(made.fact('bot')).toMatchObject({ home: 'identity/i1', match: 'matched', ownerState: 'not-needed', movedFrom: 'account/crm/bot' })
  })

  test('what governance says about it is part of its fact', () => {
    const reason = { kind: 'request', id: 'r', by: null, from: 0, until: null, source: { topic: 'intent', partition: 0, offset: 1, index: 0 } } as const
    const entry = { app, entitlement: 'read', from: 0, until: null, reasons: [reason] }
    const made = world(account('bot', 1, bot), intent('bot', { entries: [entry], lapsed: [{ app, entitlement: 'x', at: 5, why: 'expired', reason }] }))
    expect(made.fact('bot')).toMatchObject({ entries: [entry], lapsed: [{ entitlement: 'x', why: 'expired' }] })
  })
})

test('when an account or a credential was last used is part of the fact', () => {
  const key = { id: 'k', kind: 'key', created: 1, lastUsed: 2, expires: null }
  const made = world(account('a', 1, { credentials: [key], lastUsed: 5 }))
  expect(ofType(made.push(account('a', 2, { credentials: [{ ...key, lastUsed: 3 }], lastUsed: 5 })), 'AccountFact')).toHaveLength(1)
  expect(ofType(made.push(account('a', 3, { credentials: [{ ...key, lastUsed: 3 }], lastUsed: 6 })), 'AccountFact')).toMatchObject([{ lastUsed: 6, observed: 3 }])
})
