import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import type { AccessChange } from '../../schemas/wire/results.ts'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { replayUntil, type ReplayOptions, type ReplayReport } from '../../src/replay/replay.ts'
import { access, AccessFilters, type AccessRow } from '../../src/reports/access.ts'
import { runSink } from '../../src/sink/run-sink.ts'
import { heldAt } from '../reports/access-oracle.ts'
import { startOfTime, Topology } from '../support/topology.ts'
import { dayMs, record, types } from './history.ts'
import { codec, messagesOf, openTemporary, partitions, scratch } from './logs.ts'

let log: Log & AsyncDisposable
let store: Store
let path: string
const changes: AccessChange[] = []

beforeAll(async () => {
  log = await openTemporary()
  const topology = new Topology({ types, log, codec })
  await record(topology)
  for (const { record: one } of await topology.outputs('access')) if (one.type === 'AccessChange') changes.push(one)
  path = mkdtempSync(join(tmpdir(), 'grantline-replay-access-'))
  store = await openStore({ path })
  const stop = new AbortController()
  const sink = runSink({ log, codec, store, topics: ['access'], signal: stop.signal })
  await sink.drained()
  stop.abort()
  await sink.done
})
afterAll(async () => {
  await store.close()
  await log[Symbol.asyncDispose]()
  rmSync(path, { recursive: true, force: true })
})

const replay = (untilMs: number, more: Partial<ReplayOptions> = {}): Promise<ReplayReport> =>
  replayUntil({ log, codec, judge: reconcile, scratch: scratch(), untilMs, ...more })

/** Moments at, between and around everything that happened, in no particular order, always the same ones. */
const moments: number[] = [startOfTime - 1, startOfTime, startOfTime + 60_000, startOfTime + 120_000, startOfTime + dayMs + 120_000]
for (let i = 0, seed = 42; i < 12; i++) {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  moments.push(startOfTime + Math.floor((seed / 2_147_483_648) * 5 * dayMs))
}

const asReport = ({ access: held }: ReplayReport): unknown[] => held.map(({ reasons: _reasons, lapsed: _lapsed, cause: _cause, ...row }) => row)
const because = ({ access: held }: ReplayReport): unknown[] => held.map(({ reasons, lapsed }) => ({ reasons, lapsed }))
const withoutPlace = (rows: AccessRow[]): unknown[] => rows.map(({ position: _position, ...row }) => row)

describe('what was known at a moment', () => {
  it.each(moments)('is what the report on ClickHouse answers, and what a plain fold gives: %i', async (at) => {
    const replayed = await replay(at)
    expect(asReport(replayed)).toEqual(withoutPlace(await access.run(store, AccessFilters.parse({ at, knownAt: at }))))
    const names = replayed.access.map(({ home, app, account, status, entitlement, native, verdict }) => ({ home, app, account, status, entitlement, native, verdict }))
    const plain = heldAt(changes, at, at)
    expect(names).toHaveLength(plain.length)
    expect(names).toEqual(expect.arrayContaining(plain))
  })

  it('is about something: it changes from moment to moment', async () => {
    const answers = await Promise.all(moments.map(async (at) => JSON.stringify(asReport(await replay(at)))))
    expect(new Set(answers).size).toBeGreaterThan(5)
  })

  it('is the same for one application, account or identity as in the whole', async () => {
    const at = startOfTime + 2 * dayMs
    const all = await replay(at)
    const whole = asReport(all) as AccessRow[]
    for (const [filter, isIt] of [
      [{ app: 'crm' }, (row) => row.app === 'crm'],
      [{ app: 'billing', account: 'cy' }, (row) => row.app === 'billing' && row.account === 'cy'],
      [{ identity: 'dee' }, (row) => row.identity === 'dee'],
    ] as const satisfies readonly [Partial<ReplayOptions>, (row: AccessRow) => boolean][]) {
      const part = whole.filter(isIt)
      expect(part.length).toBeGreaterThan(0)
      expect(part.length).toBeLessThan(whole.length)
      const filtered = await replay(at, filter)
      expect(asReport(filtered)).toEqual(part)
      expect(because(filtered)).toEqual(because(all).filter((_, i) => isIt(whole[i]!)))
    }
  })

  it('can be asked about an earlier time than it was known', async () => {
    const untilMs = startOfTime + 4 * dayMs
    for (const atMs of moments) {
      const rows = await access.run(store, AccessFilters.parse({ at: atMs, knownAt: untilMs }))
      expect(asReport(await replay(untilMs, { atMs }))).toEqual(withoutPlace(rows))
    }
  })

  it('says why a grant was right, and why it no longer was', async () => {
    const early = await replay(startOfTime + dayMs / 2, { identity: 'bob', app: 'billing' })
    expect(early.access).toMatchObject([{ entitlement: 'invoices:read', verdict: 'matched', reasons: [{ kind: 'request', id: 'r-bob', by: 'boss' }], lapsed: null, paths: [[]] }])
    const late = await replay(startOfTime + 2 * dayMs + 120_000 - 1, { identity: 'ann', app: 'billing' })
    expect(late.access).toEqual([])
    const expired = await replay(startOfTime + 4 * dayMs + 120_000, { identity: 'ann', app: 'billing' })
    expect(expired.access).toMatchObject([{ verdict: 'unauthorised', reasons: [], lapsed: { why: 'expired', reason: { id: 'r-ann' } } }])
    const role = await replay(startOfTime + dayMs / 2, { identity: 'ann', app: 'crm' })
    expect(role.access.map(({ entitlement, paths }) => ({ entitlement, paths }))).toContainEqual({
      entitlement: 'orders:read', paths: [['role:role-chief', 'role:role-clerk']],
    })
  })

  it('says how far the facts were known, and leaves the log as it was', async () => {
    const before = await Promise.all([0, 1, 2].map((partition) => messagesOf(log, 'facts', partition)))
    const at = startOfTime + dayMs
    const { known, otherVersions } = await replay(at)
    expect(otherVersions).toEqual([])
    expect(known.map(({ partition }) => partition)).toEqual([0, 1, 2])
    for (const { partition, offset, end, now } of known) {
      expect(end).toBe(before[partition]!.length)
      expect(now).toBe(startOfTime + 120_000)
      const [first] = codec.decode('facts', before[partition]![offset]!.value)
      expect(first).toEqual({ type: 'Tick', at: startOfTime + dayMs + 120_000 })
    }
    expect(await Promise.all([0, 1, 2].map((partition) => messagesOf(log, 'facts', partition)))).toEqual(before)
    expect(partitions.facts).toBe(3)
  })

  it('names the applications of which anything was known', async () => {
    expect((await replay(startOfTime + dayMs, { app: 'nope' })).apps).toEqual(['billing', 'crm'])
    expect((await replay(startOfTime - dayMs)).apps).toEqual([])
  })

  it('counts what was known of whom it was asked about, held or not', async () => {
    const at = startOfTime + dayMs
    const { account } = (await replay(at)).access[0]!
    expect((await replay(at, { account })).changes).toBeGreaterThan(0)
    expect(await replay(at, { account: `${account}?` })).toMatchObject({ changes: 0, access: [] })
  })

  it('tells where another version of the judge had been at work', async () => {
    const { otherVersions } = await replay(startOfTime + dayMs, { judge: { ...reconcile, version: reconcile.version + 1 } })
    expect(otherVersions.map(({ partition, version, release }) => ({ partition, version, release }))).toEqual(
      [0, 1, 2].map((partition) => ({ partition, version: reconcile.version, release: '0.0.0' })),
    )
  })
})
