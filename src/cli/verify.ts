import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../schemas/config.ts'
import { processors } from '../../processors/registry.ts'
import { openDataDirectory, openLog, type DataDirectory } from '../data-directory.ts'
import { loadConfig } from '../config/load.ts'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import { ApiError } from '../http/api-error.ts'
import { configuredOf, spelledAsKept } from '../http/configured.ts'
import { typedFilters } from '../http/filters.ts'
import type { Log } from '../ports/log.ts'
import { formatRows, type Format } from '../reports/format.ts'
import type { ReportColumn } from '../reports/report.ts'
import { tell } from '../replay/difference.ts'
import { replayUntil, type ReplayedAccess, type ReplayProgress } from '../replay/replay.ts'
import { tellTable } from '../replay/table-range.ts'
import { verifyLog } from '../replay/verify-log.ts'
import { verifyTables } from '../replay/verify-tables.ts'
import { needOf } from '../replay/versions.ts'
import { knownLine } from './known-line.ts'
import { sayHowFar, terminalWidth, type HowFar } from './terminal.ts'
import { sayAhead } from './ask.ts'

class VerificationFailed extends Error {
  override name = 'VerificationFailed'
}

export interface VerifySelection {
  processor?: string
  partition?: number
  from?: number
  to?: number
  app?: string
}

/**
 * Derives everything again and compares: outputs with the log, tables with the topics. Throws VerificationFailed where they differ,
 * and ApiError where nothing that is recorded was selected.
 */
export async function verify(configFile: string, { processor: only, ...range }: VerifySelection): Promise<void> {
  await withScratch(configFile, async ({ log, codec, store }, scratch) => {
    const say = sayHowFar()
    const report = await verifyLog({
      log, codec, types: processors, scratch, ...range,
      ...(only === undefined ? {} : { processor: only }),
      onProgress: ({ processor, topic, partition, offset, end, compared }) => say({ place: `${processor} over ${topic}/${partition}`, done: offset, of: end, besides: `${compared} records equal` }),
    })
    for (const { processor, topic, partition, compared, difference, certain } of report.tasks) {
      const doubt = certain ? '' : ' (the state there was left by another version: this may be its doing)'
      console.log(`${processor} over ${topic}/${partition}: ${compared} records equal${difference === null ? '' : `, then ${tell(difference)}${doubt}`}`)
    }
    for (const stray of report.strays) console.log(tell(stray))
    for (const need of report.needs) console.log(need)
    const tables = await verifyTables({
      log, codec, store, ...range,
      onProgress: ({ topic, partition: at, offset, end }) => say({ place: `table of ${topic}/${at}`, done: offset, of: end }),
    })
    for (const { difference } of tables.places) if (difference !== null) console.log(tellTable(difference))
    for (const { table, topic, partition: at, rows } of tables.strays) console.log(`${table}: ${rows} rows name ${topic}/${at}, which has no rows there`)
    const rows = tables.places.reduce((sum, place) => sum + place.rows, 0)
    if (!report.holds || !tables.holds) throw new VerificationFailed('verify: what is recorded is not what the input gives; the first difference of each place is named above')
    const records = report.tasks.reduce((sum, task) => sum + task.compared, 0)
    const isSelected = only !== undefined || Object.keys(range).length > 0
    if (isSelected && records + rows === 0) throw new ApiError(400, 'verify: nothing that is recorded was selected, so nothing was compared')
    console.log(`verified: ${records} records and ${rows} table rows are what the input gives`)
  })
}

const columns: readonly ReportColumn<ReplayedAccess & { why: string[] }>[] = [
  { key: 'app', title: 'app', kind: 'text' },
  { key: 'account', title: 'account', kind: 'text' },
  { key: 'identity', title: 'identity', kind: 'text' },
  { key: 'status', title: 'status', kind: 'text' },
  { key: 'entitlement', title: 'entitlement', kind: 'text' },
  { key: 'verdict', title: 'verdict', kind: 'text' },
  { key: 'paths', title: 'by way of', kind: 'list' },
  { key: 'why', title: 'because of', kind: 'list' },
]

export interface ReplaySelection {
  until: string
  app?: string
  account?: string
  identity?: string
}

/** Who had what at a past moment and why, as known then, from the log alone. */
export async function replay(configFile: string, { until, ...asked }: ReplaySelection, format: Format): Promise<void> {
  const { until: untilMs } = typedFilters({ until })
  if (typeof untilMs !== 'number') throw new ApiError(400, '--until needs a time')
  sayAhead([until])
  await withScratch(configFile, async ({ log, codec }, scratch, config) => {
    const say = sayHowFar()
    const who = spelledAsKept(asked, configuredOf(config).ids)
    const report = await replayUntil({ log, codec, judge: reconcile, scratch, untilMs, ...who, onProgress: (progress) => say(howFar(progress)) })
    if (who.app !== undefined && !report.apps.includes(who.app)) throw new ApiError(404, `of ${who.app} no access was known then; of these some was: ${report.apps.join(', ') || 'none'}`)
    console.error(knownLine(report.known))
    const whom = (['account', 'identity'] as const).flatMap((name) => (who[name] === undefined ? [] : [`${name} ${JSON.stringify(who[name])}`]))
    if (report.changes === 0 && whom.length > 0) console.error(`of ${whom.join(' and ')} no access was known then: there was none, or it is spelt otherwise`)
    for (const range of report.otherVersions) console.error(needOf(range, 'replay'))
    const rows = report.access.map((row) => ({ ...row, why: [...row.reasons.map(({ kind, id }) => `${kind} ${id}`), ...(row.lapsed === null ? [] : [`${row.lapsed.why}: ${row.lapsed.reason.kind} ${row.lapsed.reason.id}`])] }))
    process.stdout.write(formatRows(format, columns, rows, terminalWidth()))
  })
}

const howFar = ({ doing, partition, offset, end }: ReplayProgress): HowFar => (
  { place: doing === 'looking' ? `looking for them in facts/${partition}` : `judging facts/${partition} again`, done: offset, of: end }
)

/** Nothing else may run on the data directory meanwhile; the scratch log is thrown away. */
async function withScratch(configFile: string, use: (directory: DataDirectory, scratch: Log, config: Config) => Promise<void>): Promise<void> {
  const config = await loadConfig(configFile)
  const directory = await openDataDirectory(config, process.env)
  const path = await mkdtemp(join(tmpdir(), 'grantline-scratch-'))
  const scratch = await openLog(path, config.partitions, 'process')
  try {
    await use(directory, scratch, config)
  } finally {
    await scratch.close()
    await rm(path, { recursive: true, force: true })
    await directory.close()
  }
}
