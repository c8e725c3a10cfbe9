import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { RowDigests } from '../../src/replay/row-digests.ts'
import { rowOf, tableOf, type SinkTopic } from '../../src/sink/rows/tables.ts'
import { openTables, type Tables } from '../reports/tables.ts'
import { access, action, deadLetter, finding, grant, lag, ruling, syncRun } from '../sink/records.ts'

let tables: Tables
beforeAll(async () => void (tables = await openTables()))
afterAll(() => tables.close())

/** What an engine and a program may spell otherwise. */
const control = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => i))
const odd = ['', 'a/b\\c"d\'e', control, '\u007f\u0080\u00ad', 'k\u00f6hler \u540d \ud83d\ude00', '\u2028\u2029\ufeff', '\\N', 'NULL', '[1]', '{"a":1}']

const records: { [T in SinkTopic]: Exclude<RecordOf<T>, { type: 'Part' }>[] } = {
  findings: odd.flatMap((text) => [finding({ detail: text, account: text }), finding({ app: null, entitlement: null, valid: 7, closedAs: 'moved' })]),
  access: odd.flatMap((text) => [
    access({ account: text, set: [grant({ entitlement: text, native: text, paths: [[text, text], []] }), grant({ valid: 5, direct: false })] }), access({ gone: true, set: [], removed: [text, 'e'] }),
  ]),
  lag: [lag(), lag({ lagMs: Number.MAX_SAFE_INTEGER })],
  'sync-runs': odd.map((text) => syncRun({ phase: 'end', reason: text, place: text, verdict: 'partial', unresolved: { count: 3, some: [text] }, unknownApps: [{ app: text, rows: 2, near: null }, { app: null, rows: 1, near: text }] })),
  'dead-letters': odd.map((text) => deadLetter({ payload: text, reason: text, run: null })),
  rulings: odd.map((text) => ruling({ reason: text })),
  'action-log': odd.map((text) => action({ detail: text, why: text, by: null })),
}

async function hold<T extends SinkTopic>(topic: T, of: readonly Exclude<RecordOf<T>, { type: 'Part' }>[]): Promise<{ digests: RowDigests; from: number; to: number }> {
  const from = await tables.add(topic, ...of)
  const digests = new RowDigests()
  for (const [i, record] of of.entries()) digests.add({ table: tableOf[topic], offset: from + i, index: 0, row: rowOf(record, { topic, partition: 0, offset: from + i, index: 0 }) })
  return { digests, from, to: from + of.length }
}

describe.each(Object.keys(records) as SinkTopic[])('digests of %s', (topic) => {
  const [place, names] = [{ topic, partition: 0 }, [tableOf[topic]]]

  it('are those of the rows that the table holds, whatever is in them', async () => {
    const { digests, ...range } = await hold(topic, records[topic] as never)
    expect(await digests.areHeld(tables.store, place, names, { ...range, app: null })).toBe(true)
  })

  it('are others where a row is missing, or there is one more', async () => {
    const [one] = records[topic]
    const { digests, from, to } = await hold(topic, [one, one] as never)
    expect(await digests.areHeld(tables.store, place, names, { from, to: to - 1, app: null })).toBe(false)
    await tables.add(topic, one as never)
    expect(await digests.areHeld(tables.store, place, names, { from, to: to + 1, app: null })).toBe(false)
    expect(await digests.areHeld(tables.store, place, names, { from, to, app: null })).toBe(true)
  })
})

it('are others where any value of a row is', async () => {
  const changed = access({ set: [grant({ since: 8 })] })
  const from = await tables.add('access', changed)
  for (const [record, isHeld] of [[changed, true], [access({ set: [grant({ since: 9 })] }), false], [access({ set: [grant({ since: 8, paths: [['']] })] }), false], [access({ set: [grant({ since: 8 })], status: 'disabled' }), false]] as const) {
    const digests = new RowDigests()
    digests.add({ table: 'access_log', offset: from, index: 0, row: rowOf(record, { topic: 'access', partition: 0, offset: from, index: 0 }) })
    expect(await digests.areHeld(tables.store, { topic: 'access', partition: 0 }, ['access_log', 'dead_letters'], { from, to: from + 1, app: 'billing' })).toBe(isHeld)
  }
})
