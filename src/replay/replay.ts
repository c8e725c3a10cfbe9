import type { AccessChange } from '../../schemas/wire/results.ts'
import { compareKeys } from '../core/order.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { accessAt, type HeldGrant } from './access-at.ts'
import { accountName, isAboutAll, isNamed, type Asked } from './asked.ts'
import { Intended, type Intention } from './intended.ts'
import { judgeAll, judgeHomes, type JudgeAgainOptions, type Judged } from './judge-again.ts'
import type { FactsProgress, KnownFacts } from './known.ts'
import { whereaboutsOf, type Found, type Whereabouts } from './whereabouts.ts'
import { upTo, versionsOf, type VersionRange } from './versions.ts'

export interface ReplayOptions extends Asked {
  log: Log
  codec: Codec
  /** what turns facts into access: the processor of `facts` that writes `access` */
  judge: ProcessorType
  /** an empty log with the same partition counts that may be thrown away: the states of the re-run go there */
  scratch: Log
  /** what is known: everything processed before the first tick later than this, ms */
  untilMs: number
  /** who held what at this time, ms; default: `untilMs` */
  atMs?: number
  onProgress?: (progress: ReplayProgress) => void
}

export interface ReplayProgress extends FactsProgress {
  /** for whom is asked about, or judging again */
  doing: 'looking' | 'judging'
}

/** A grant as the report `access` has it (its place in the topic apart), and what it rested on. */
export interface ReplayedAccess extends HeldGrant, Intention {}

export interface ReplayReport {
  untilMs: number
  atMs: number
  known: KnownFacts[]
  /** stretches that another version of the judge worked through at the time: today's judges them here */
  otherVersions: VersionRange[]
  /** of which any access was known, in the order of their names */
  apps: string[]
  /** how many changes of access were known of whom and what was asked for */
  changes: number
  access: ReplayedAccess[]
}

/**
 * Who had what, whether that was right and why, by what was known at a past moment: the facts recorded until then are judged again,
 * from the log alone, with nothing written to it. The same answer as the report `access` with `at` and `knownAt`. What is asked about few is
 * looked for first, and judged by what is said at the homes where they were. Memory grows with
 * the changes of access that the filters select. Throws ProcessorError and EnvironmentError.
 */
export async function replayUntil(options: ReplayOptions): Promise<ReplayReport> {
  const { log, codec, judge, untilMs, atMs = untilMs, identity } = options
  const intended = new Intended()
  const changes: AccessChange[] = []
  const apps = new Set<string>()
  const report: ReplayReport = { untilMs, atMs, known: [], otherVersions: [], apps: [], changes: 0, access: [] }
  const found = isAboutAll(options) ? null : await find(options)
  for (let partition = 0; partition < log.partitions.facts; partition++) {
    const place = found?.places[partition] ?? null
    const judged = place?.homes.size === 0 ? { known: place.known, changes: [] } : await judgeAt(options, partition, found, place, intended)
    for (const change of judged.changes) changes.push(change)
    for (const { app } of judged.changes) apps.add(app)
    // a home is in one partition: nothing more is said at this one's
    intended.keepOnly(new Set(changes.map(({ home }) => home)))
    report.known.push(judged.known)
    report.otherVersions.push(...upTo(await versionsOf(log, codec, judge, partition), judged.known.offset).filter(({ compared }) => !compared))
  }
  report.changes = changes.length
  report.apps = [...(found?.apps ?? apps)].sort(compareKeys)
  report.access = accessAt(changes, atMs)
    .filter((held) => identity === undefined || held.identity === identity)
    .map((held) => ({ ...held, ...intended.of(held) }))
  return report
}

const find = (options: ReplayOptions): Promise<Found> =>
  whereaboutsOf(options, { ...options, onProgress: (progress) => options.onProgress?.({ doing: 'looking', ...progress }) })

function judgeAt(options: ReplayOptions, partition: number, found: Found | null, place: Whereabouts | null, intended: Intended): Promise<Judged> {
  const accounts = found?.accounts ?? null
  const again: JudgeAgainOptions = {
    ...options,
    partition,
    isWanted: (change) => isNamed(change, options) && accounts?.has(accountName(change)) !== false,
    onRecord: (record) => {
      if (place === null || ('home' in record && place.homes.has(record.home))) intended.take(record)
    },
    onProgress: (progress) => options.onProgress?.({ doing: 'judging', ...progress }),
  }
  return place?.areFew === true ? judgeHomes(place.homes, again) : judgeAll(again)
}
