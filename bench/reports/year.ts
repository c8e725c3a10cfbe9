import { z } from 'zod'
import type { Store } from '../../src/ports/store.ts'
import { beginMs, dayMs, fillTables } from '../history/tables.ts'
import { app } from '../workload.ts'

/**
 * The tables of an installation of n accounts after a year, made by the engine itself: W(n) with two changes of each account; 30 sources
 * read every quarter of an hour (`daysOfRuns`); for every tenth account a finding with its action, of ten of which nine were closed; two
 * samples of lag an account; a broken record for every two hundredth account, told by ten runs, one of three put aside. A source of which each
 * run tells a hundred broken records (`brokenSource`), of 50 of them the same as the run before, of which a person put 10 aside; a feed of people
 * that was posted once an account, and left the config file (`postedFeed`).
 */
export const sources = 30
/** One of the 30. */
export const brokenSource = 'app-3'
export const postedFeed = 'posted'
const runsOfDay = 96
const share = { finding: 10, letter: 200 }

export async function fillYear(store: Store, n: number, daysOfRuns: number, onProgress: (done: number) => void): Promise<void> {
  await fillTables(store, n, onProgress)
  for (let day = 0; day < daysOfRuns; day += 30) {
    await store.command(runs, { first: day * runsOfDay, count: Math.min(30, daysOfRuns - day) * runsOfDay })
  }
  for (let day = 0; day < daysOfRuns; day += 30) {
    await store.command(tellings, { first: day * runsOfDay * 100, count: Math.min(30, daysOfRuns - day) * runsOfDay * 100 })
  }
  for (const statement of [putAside, posts, findings, actions, lagSamples, letters]) await store.command(statement, { n })
}

const at = (ms: string): string => `fromUnixTimestamp64Milli(${ms}, 'UTC')`
const account = "concat('a', toString(k))"
const finding = 'leftPad(hex(sipHash64(k)), 32, \'0\')'
const kind = "['unauthorised-grant', 'missing-grant', 'leaver-access', 'dormant-account'][k % 4 + 1]"
const severity = "['medium', 'low', 'critical', 'high'][k % 4 + 1]"
const permission = "concat('perm-', leftPad(toString(k % 200), 3, '0'))"
/** ms at which the finding opened, within the year */
const opened = `toInt64(${beginMs}) + toInt64(k % 365) * ${dayMs}`

/** 6 rows a run: begin, end and a row for each of 4 partitions. */
const runs = `
  INSERT INTO sync_run_log (topic, partition, offset, \`index\`, source, run, phase, run_partition, partitions, verdict, at, pages, read)
  SELECT 'sync-runs', 0, toInt64(number) + toInt64({first:UInt64}) * ${6 * sources}, 0, concat('app-', toString(intDiv(number, 6) % ${sources})), run,
    ['begin', 'end', 'partition', 'partition', 'partition', 'partition'][row + 1], if(row >= 2, row - 2, NULL), if(row = 1, 4, 0), if(row = 0, NULL, 'complete'),
    ${at(`toInt64(${beginMs}) + run * ${dayMs / runsOfDay}`)}, if(row = 1, 10, 0), if(row = 1, 1000, 0)
  FROM (
    SELECT number, number % 6 AS row, toInt64({first:UInt64} + intDiv(number, ${6 * sources})) AS run
    FROM numbers({count:UInt64} * ${6 * sources})
  )`

const changes = (states: string, kept: string): string => `
  SELECT number AS k, arrayJoin(arrayEnumerate(${states})) AS nth FROM numbers({n:UInt64}) WHERE number % ${share.finding} = 0 AND (${kept})`

const findings = `
  INSERT INTO findings_log (topic, partition, offset, \`index\`, id, kind, severity, change, home, identity, app, account, entitlement, since, opened, detail, decided)
  SELECT 'findings', k % 4, toInt64(k * 2 + nth), 0, ${finding}, ${kind}, ${severity}, ['opened', 'closed'][nth], concat('identity/p', toString(k)),
    concat('p', toString(k)), '${app}', ${account}, ${permission}, ${at(opened)}, ${at(opened)}, 'holds what nobody desires', ${at(`${opened} + toInt64(nth - 1) * ${dayMs}`)}
  FROM (${changes("['opened', 'closed']", '1')}) WHERE nth = 1 OR intDiv(k, ${share.finding}) % 10 != 0`

const actions = `
  INSERT INTO action_log (topic, partition, offset, \`index\`, id, version, state, mode, kind, severity, home, identity, app, account, entitlement, detail, attempt, at)
  SELECT 'actions', 0, toInt64(k * 4 + nth), 0, ${finding}, '1', ['proposed', 'approved', 'sent', 'verified'][nth], 'approve', ${kind}, ${severity}, concat('identity/p', toString(k)),
    concat('p', toString(k)), '${app}', ${account}, ${permission}, 'revoke it', 1, ${at(`${opened} + toInt64(nth) * 3600000`)}
  FROM (${changes("['proposed', 'approved', 'sent', 'verified']", '1')}) WHERE nth = 1 OR intDiv(k, ${share.finding}) % 10 != 0`

const lagSamples = `
  INSERT INTO lag_samples (topic, partition, offset, \`index\`, home, app, entitlement, direction, desired, observed, lag_ms, decided)
  SELECT 'lag', k % 4, toInt64(k), 0, concat('identity/p', toString(k)), concat('app-', toString(k % ${sources})), ${permission}, if(k % 2 = 0, 'grant', 'revoke'),
    ${at(opened)}, ${at(`${opened} + lag`)}, lag, ${at(`${opened} + lag`)}
  FROM (SELECT number AS k, toInt64(sipHash64(number) % 86400000) AS lag FROM numbers({n:UInt64} * 2))`

const letters = `
  INSERT INTO dead_letters (topic, partition, offset, \`index\`, id, source, run, stage, code, reason, place, payload, at, state, \`by\`, why)
  SELECT 'dead-letters', 0, toInt64(k * 10 + nth), 0, ${finding}, concat('app-', toString(k % ${sources})), ${runsOfDay} * 20 + nth, 'map', 'invalid-record', 'no id', ${account}, '{}',
    ${at(`toInt64(${beginMs}) + toInt64(nth) * ${dayMs / runsOfDay}`)}, if(nth = 8, 'discarded', 'open'), if(nth = 8, 'anna', NULL), if(nth = 8, 'known', NULL)
  FROM (SELECT number AS k, arrayJoin(range(10)) AS nth FROM numbers({n:UInt64}) WHERE number % ${share.letter} = 0)
  WHERE nth != 8 OR intDiv(k, ${share.letter}) % 3 = 0`

const tellings = `
  INSERT INTO dead_letters (topic, partition, offset, \`index\`, id, source, run, stage, code, reason, place, payload, at)
  SELECT 'dead-letters', 1, k, 0, lower(hex(MD5(if(k % 100 < 50, toString(k % 100), concat(toString(k % 100), ' of run ', toString(run)))))), '${brokenSource}', run, 'map', 'invalid-record', 'no id',
    concat('line ', toString(k % 100)), '{"id":null,"name":"***","mail":"***","department":"sales"}', ${at(`toInt64(${beginMs}) + run * ${dayMs / runsOfDay}`)}
  FROM (SELECT toInt64(number + {first:UInt64}) AS k, intDiv(k, 100) AS run FROM numbers({count:UInt64}))`

const putAside = `
  INSERT INTO dead_letters
  SELECT * REPLACE (1 AS \`index\`, 'discarded' AS state, 'anna' AS \`by\`, 'known' AS why) FROM dead_letters AS l WHERE l.source = '${brokenSource}' AND l.run = 9 AND l.offset % 100 < 10`

const posts = `
  INSERT INTO sync_run_log (topic, partition, offset, \`index\`, source, run, phase, partitions, verdict, reason, at, read, \`classes.class\`, \`classes.verdict\`, \`classes.reason\`, \`classes.place\`, \`classes.read\`, \`classes.declared\`, \`classes.rejected\`, \`classes.counts\`)
  SELECT 'sync-runs', 1, toInt64(number), 0, '${postedFeed}', 0, 'end', 0, 'unknown', 'posted', ${at(`toInt64(${beginMs}) + toInt64(number)`)}, 1, ['identities'], ['unknown'], [NULL], [NULL], [1], [NULL], [0], [[]]
  FROM numbers({n:UInt64})`

const Rows = z.object({ rows: z.int() })

/** Rows of each table. */
export async function sizes(store: Store): Promise<Record<string, number>> {
  const all: Record<string, number> = {}
  for (const table of ['access_log', 'findings_log', 'action_log', 'lag_samples', 'sync_run_log', 'dead_letters']) {
    const [count] = await store.query(`SELECT toInt64(count()) AS rows FROM ${table}`, {}, Rows)
    all[table] = count!.rows
  }
  return all
}
