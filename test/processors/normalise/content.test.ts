import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccountFact } from '../../../schemas/wire/facts.ts'
import { saysTheSame, textOfContent } from '../../../processors/normalise/content.ts'
import { normalise } from '../../../processors/normalise/normalise.ts'
import { packRow, unpackRow } from '../../../processors/normalise/stored.ts'
import type { Packed } from '../../../processors/shared/packed.ts'
import { part } from '../../../processors/shared/rows.ts'
import { digest } from '../../../src/core/canonical.ts'
import { recordOfType } from '../../support/arbitraries.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'
import { withTimesBeside, withTimesWithin } from '../reconcile/given.ts'
import { account, keyBook, setting, tick } from './world.ts'

/** As `normalise` 5 kept what a fact says, its times in its grants. */
function textOfVersion5(fact: AccountFact): string {
  const { home, app, account: id, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed } = fact
  const { since, whole, unknown, grants, credentials, entries, lapsed, exposed } = withTimesWithin(fact)
  const told = grants
    .map((one) => `${part(one.entitlement)}${one.native === one.entitlement ? '' : part(one.native)};${one.mapped ? 1 : 0}${one.direct ? 1 : 0};${one.since};${one.valid ?? ''};${one.paths.length}${one.paths.map((path) => `;${path.length}${path.map(part).join('')}`).join('')}`)
    .join('')
  const reasonOf = ({ kind: of, id: name, by, from, until, source }: AccountFact['lapsed'][number]['reason']): unknown[] => [of, name, by, from, until, source.topic, source.partition, source.offset, source.index]
  const text = JSON.stringify([
    home, app, id, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed, since, whole, unknown, digest(told),
    credentials.map((one) => [one.id, one.kind, one.created, one.lastUsed, one.expires]),
    entries.map((entry) => [entry.app, entry.entitlement, entry.from, entry.until, entry.reasons.map(reasonOf)]),
    lapsed.map((lapse) => [lapse.app, lapse.entitlement, lapse.at, lapse.why, reasonOf(lapse.reason)]),
    ...(exposed === null ? [] : [exposed]),
  ])
  return text.length > 400 ? digest(text) : text
}

const facts = recordOfType('facts', 'AccountFact').map((record) => withTimesBeside({ ...(record as AccountFact), grantsSince: null, revoked: null, contestedSince: null }))

test('what an older version kept of a fact says the same as the fact, and nothing else', () => {
  fc.assert(
    fc.property(facts, fc.nat(), (fact, n) => {
      const kept = textOfVersion5(fact)
      expect(saysTheSame(kept, fact, textOfContent(fact))).toBe(true)
      const moved = { ...fact, grants: fact.grants.map((one) => ({ ...one })), grantsSince: fact.grantsSince!.map((at, i) => (i === n % fact.grantsSince!.length ? at + 1 : at)) }
      for (const other of [{ ...fact, since: fact.since + 1 }, { ...fact, contestedSince: 0 }, { ...fact, revoked: [] }, { ...fact, lastUsed: (fact.lastUsed ?? 0) + 1 }, ...(fact.grants.length > 0 ? [moved] : [])]) {
        const text = textOfContent(other)
        expect(text).not.toBe(textOfContent(fact))
        expect(saysTheSame(kept, other, text)).toBe(false)
        expect(saysTheSame(textOfContent(fact), other, text)).toBe(false)
      }
    }),
  )
})

test('a state of an older version tells nothing anew when this one goes on with it, and what changes then once', () => {
  const driver = new ProcessorDriver(normalise)
  driver.push(
    tick(1_000), setting(), keyBook('i1', [['email', 'ann@x', 0]]),
    account('ann', 5_000_000, { direct: ['a', 'b'] }), account('ann', 6_000_000, { direct: ['a', 'b', 'c'] }), account('bob', 7_000_000, { direct: Array.from({ length: 40 }, (_, n) => `perm-${n}`) }),
  )
  const facts = new Map(driver.outputs.flatMap(({ record }) => (record.type === 'AccountFact' ? [[record.account, record] as const] : [])))
  driver.rewrite<Packed>('accounts', (packed) => {
    const row = unpackRow(packed)
    return packRow({ ...row, published: { ...row.published!, content: textOfVersion5(facts.get(row.native)!) } })
  })
  const epoch = { type: 'Epoch', processor: 'normalise', version: normalise.version, stateFormat: 1, release: '0', from: { offset: 0, index: 0 }, resumed: null } as const
  expect(driver.push(epoch)).toEqual([])
  expect(driver.push(tick(2_000), account('ann', 8_000_000, { direct: ['a', 'b'] }))).toMatchObject([{ record: { account: 'ann', grantsSince: [5_000] } }])
  expect(driver.push(account('bob', 9_000_000, { direct: Array.from({ length: 40 }, (_, n) => `perm-${n}`) }))).toEqual([])
})

test('who claimed an account under an older version is told once more with since when, without the entries whose places nobody kept', () => {
  const driver = new ProcessorDriver(normalise)
  const claims = (identity: string, since: number) => keyBook(identity, [['email', 'ann@x', since]])
  driver.push(tick(1_000), setting(), claims('i1', 3), claims('i2', 5), account('ann', 5_000_000), account('bob', 6_000_000))
  // neither kept it
  driver.rewrite<Packed>('accounts', (packed) => {
    const row = unpackRow(packed)
    return packRow({ ...row, published: { ...row.published!, content: row.published!.content.replace(',null,null,5]', ']') } })
  })
  driver.rewrite<{ at?: unknown }>('identities', ({ at: _at, ...entry }) => entry)
  const epoch = { type: 'Epoch', processor: 'normalise', version: normalise.version, stateFormat: 1, release: '0', from: { offset: 0, index: 0 }, resumed: null } as const
  driver.push(epoch)
  const ann = driver.outputs.flatMap(({ record }) => (record.type === 'AccountFact' && record.account === 'ann' ? [record] : []))
  expect(ann).toMatchObject([{ sources: [{ offset: 2 }, { offset: 3 }, { offset: 4 }] }, { match: 'contested', contestedSince: 5, sources: [{ offset: 4 }] }])
  expect(driver.outputs.filter(({ record }) => record.type === 'AccountFact')).toHaveLength(3)
  driver.push(claims('i3', 7))
  expect(driver.outputs.at(-1)?.record).toMatchObject({ account: 'ann', contestedSince: 5, sources: [{ offset: 4 }, { offset: 7 }] })
})
