import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Store } from '../../src/ports/store.ts'
import { app } from '../workload.ts'

/**
 * W(n) as rows of `access_log`, made by the engine itself: what the sink would have inserted at a first snapshot (one row an account)
 * and in the year after it. Each account has two changes: three hundred days and a hundred days before the end, or up to 50 days
 * later, it gets one more permission, and loses it again.
 */
export const dayMs = 86_400_000
export const beginMs = Date.UTC(2025, 0, 1)
const accountsOfInsert = 50_000
const permissionCount = 200
const roleCount = 100

/** Numbers of the permissions of role i and of all its parents. */
const closureOf = (i: number): number[] => [...[0, 1, 2, 3].map((k) => (4 * i + k) % permissionCount), ...(i === 0 ? [] : closureOf(Math.floor((i - 1) / 3)))]

/** Answers how many grants the first snapshot showed. `onProgress` hears how many accounts are done. */
export async function fillTables(store: Store, n: number, onProgress: (done: number) => void): Promise<number> {
  for (let first = 0; first < n; first += accountsOfInsert) {
    const params = { first, count: Math.min(accountsOfInsert, n - first) }
    await store.command(insertion(snapshotGrants, '[]', 'begin_ms', 0), params)
    await store.command(insertion(`[${extra}]`, '[]', `begin_ms + toInt64((65 + k % 50) * ${dayMs})`, 1), params)
    await store.command(insertion('[]', `[tupleElement(${extra}, 1)]`, `begin_ms + toInt64((265 + k % 50) * ${dayMs})`, 2), params)
    onProgress(first + params.count)
  }
  const [held] = await store.query('SELECT toInt64(sum(length(grants.native))) AS grants FROM access_log WHERE offset % 4 = 0', {}, z.object({ grants: z.int() }))
  return held!.grants
}

/** A year's rows did not come in the last minute: what the engine still has to put together after them is not part of a question. */
export async function merged(store: Store): Promise<void> {
  for (;;) {
    const [at] = await store.query("SELECT toInt32(count()) AS merges FROM system.merges WHERE table = 'access_log'", {}, z.object({ merges: z.int() }))
    if (at!.merges === 0) return
    await sleep(500)
  }
}

const permission = (expression: string): string => `concat('perm-', leftPad(toString(${expression}), 3, '0'))`
const closures = `[${Array.from({ length: roleCount }, (_, i) => `[${closureOf(i).join(',')}]`).join(',')}]`
/** numbers of permissions: those of both roles, then the direct ones that no role gives */
const byRoles = `arrayDistinct(arrayConcat(arrayElement(closures, toUInt32(k % ${roleCount} + 1)), arrayElement(closures, toUInt32((k * 7 + 13) % ${roleCount} + 1))))`
const direct = `arrayDistinct([toUInt8((k * 3) % ${permissionCount}), toUInt8((k * 3 + 71) % ${permissionCount}), toUInt8((k * 3 + 142) % ${permissionCount})])`
const snapshotGrants = `arrayConcat(
  arrayMap(p -> (${permission('p')}, false, [['role:role-' || leftPad(toString(k % ${roleCount}), 2, '0')]]), arrayFilter(p -> NOT has(${direct}, p), ${byRoles})),
  arrayMap(p -> (${permission('p')}, true, [emptyArrayString()]), ${direct}))`
const extra = `(${permission(`(k * 11 + 5) % ${permissionCount}`)}, true, [emptyArrayString()])`

/** One row for each account from {first} on. `grants`: tuples of name, direct, paths. Positions are distinct: four for an account. */
function insertion(grants: string, removed: string, at: string, nth: number): string {
  return `
    INSERT INTO access_log
    WITH ${closures} AS closures, toInt64(${beginMs}) AS begin_ms, ${grants} AS held, fromUnixTimestamp64Milli(${at}, 'UTC') AS moment
    SELECT
      'access' AS topic, toUInt32(k % 4) AS partition, toInt64(k * 4 + ${nth}) AS offset, toInt32(0) AS \`index\`,
      concat('identity/p', toString(k)) AS home, concat('p', toString(k)) AS identity, '${app}' AS app, concat('a', toString(k)) AS account,
      'human' AS kind, 'active' AS status, false AS gone,
      arrayMap(t -> tupleElement(t, 1), held) AS \`grants.entitlement\`, arrayMap(t -> tupleElement(t, 1), held) AS \`grants.native\`,
      arrayMap(t -> 'matched', held) AS \`grants.verdict\`, arrayMap(t -> tupleElement(t, 2), held) AS \`grants.direct\`,
      arrayMap(t -> moment, held) AS \`grants.since\`, arrayMap(t -> NULL, held) AS \`grants.valid\`, arrayMap(t -> tupleElement(t, 3), held) AS \`grants.paths\`,
      ${removed === '[]' ? 'emptyArrayString()' : removed} AS removed, NULL AS valid, moment AS observed, moment AS decided,
      'facts' AS cause_topic, toInt64(k % 4) AS cause_partition, toInt64(k) AS cause_offset, toInt64(0) AS cause_index
    FROM (SELECT number AS k FROM numbers({first:UInt64}, {count:UInt64}))`
}
