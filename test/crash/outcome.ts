import { z } from 'zod'
import { processors } from '../../processors/registry.ts'
import type { ReadSources } from '../../src/http/local-api.ts'
import type { Log } from '../../src/ports/log.ts'
import { verifyLog } from '../../src/replay/verify-log.ts'
import { verifyTables } from '../../src/replay/verify-tables.ts'
import { readPartition } from '../../src/runtime/records.ts'

/** What a drained data directory says, without times, and what is wrong within it. */
export const Outcome = z.strictObject({
  /** open findings: id, kind and what they are about */
  open: z.array(z.string()),
  /** closings of findings: the home, and which finding for which time. One that went with its account to another home is not among them */
  closed: z.array(z.strictObject({ home: z.string(), line: z.string() })),
  /** effective access: home, app, account, entitlement, native, verdict, direct */
  access: z.array(z.string()),
  deadLetters: z.array(z.string()),
  /** sentences: the log is not what its input gives, the tables are not what the log holds */
  faults: z.array(z.string()),
})
export type Outcome = z.infer<typeof Outcome>

/** Reads everything: nothing else may run on the directory. `scratch`: an empty log with the same partitions. */
export async function outcomeOf(sources: ReadSources, scratch: Log): Promise<Outcome> {
  const lines = async (sql: string): Promise<string[]> => {
    const rows = await sources.store.query(sql, {}, z.record(z.string(), z.unknown()))
    return rows.map((row) => Object.values(row).map(String).join(' | ')).sort()
  }
  const closings = await sources.store.query(
    `SELECT home, id, kind, account, entitlement, row_number() OVER (PARTITION BY id ORDER BY offset, \`index\`) AS time
     FROM findings_log WHERE change = 'closed' AND closed_as != 'moved' ORDER BY id, time`,
    {},
    z.looseObject({ home: z.string() }),
  )
  return {
    open: await lines('SELECT id, kind, severity, home, identity, app, account, entitlement, object FROM findings_open'),
    closed: closings.map((closing) => ({ home: closing.home, line: Object.values(closing).map(String).join(' | ') })),
    access: await lines('SELECT home, app, account, kind, status, entitlement, native, verdict, direct FROM access_now'),
    deadLetters: await lines('SELECT source, stage, code, record FROM dead_letters'),
    faults: [...(await logFaults(sources, scratch)), ...(await tableFaults(sources))],
  }
}

/** Every input was processed once: its re-run gives what is recorded, and only ticks and epochs wait. */
async function logFaults({ log, codec }: ReadSources, scratch: Log): Promise<string[]> {
  const report = await verifyLog({ log, codec, types: processors, scratch })
  const faults = report.strays.map((stray) => `stray: ${JSON.stringify(stray)}`)
  for (const { processor, topic, partition, position, difference, compared } of report.tasks) {
    const task = `${processor}/${partition}`
    if (difference !== null) faults.push(`${task}: ${JSON.stringify(difference)}`)
    let spoken = false
    for await (const { position: at, record } of readPartition(log, codec, topic, partition)) {
      // a partition that no application hashes to has heard nothing but settings
      spoken ||= record?.type !== 'Tick' && record?.type !== 'Epoch' && record?.type !== 'Setting'
      const isBehind = at.offset < position.offset || (at.offset === position.offset && at.index < position.index)
      if (!isBehind && record?.type !== 'Tick' && record?.type !== 'Epoch') faults.push(`${task}: ${record?.type} at ${at.offset}/${at.index} waits`)
    }
    if (spoken && compared === 0) faults.push(`${task}: nothing was compared`)
  }
  return [...faults, ...report.needs]
}

/** Every position that the log holds is in its table once, with its values, and nothing else is. */
async function tableFaults(sources: ReadSources): Promise<string[]> {
  const { places, strays } = await verifyTables(sources)
  const faults = strays.map((stray) => `stray rows: ${JSON.stringify(stray)}`)
  for (const { topic, partition, late, difference } of places) {
    if (late > 0) faults.push(`${topic}/${partition}: ${late} rows are not in the tables`)
    if (difference !== null) faults.push(`${topic}/${partition}: ${JSON.stringify(difference)}`)
  }
  return faults
}

/**
 * Where `found` is not what an undisturbed run of the same company gives; empty where it is. At homes in `unordered` a finding may
 * come and go in either: what changed there is told by several sources, and which is read first is nobody's promise.
 */
export function differences(undisturbed: Outcome, found: Outcome, unordered: ReadonlySet<string>): string[] {
  const known = new Set(undisturbed.closed.map(({ line }) => line))
  return [
    ...sidesOf('open finding', undisturbed.open, found.open),
    ...sidesOf('access', undisturbed.access, found.access),
    // every run tells of the same bad record again
    ...sidesOf('dead letter', undisturbed.deadLetters, [...new Set(found.deadLetters)]),
    ...found.closed.filter(({ home, line }) => !known.has(line) && !unordered.has(home)).map(({ line }) => `closed without reason: ${line}`),
    ...found.faults,
  ]
}

function sidesOf(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const wanted = new Set(expected)
  const there = new Set(found)
  return [
    ...expected.filter((line) => !there.has(line)).map((line) => `no ${what}: ${line}`),
    ...found.filter((line) => !wanted.has(line)).map((line) => `more than expected, ${what}: ${line}`),
    ...found.filter((line, i) => found[i - 1] === line).map((line) => `twice, ${what}: ${line}`),
  ]
}
