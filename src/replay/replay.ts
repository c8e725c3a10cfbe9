import type { AccessChange } from '../../schemas/wire/results.ts'
import { identityHome } from '../core/keys.ts'
import { compareKeys } from '../core/order.ts'
import { partitionOf } from '../core/partition.ts'
import type { Codec } from '../ports/codec.ts'
import type { Append, Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { RecordReader } from '../runtime/records.ts'
import { accessAt, type HeldGrant } from './access-at.ts'
import { Intended, type Intention } from './intended.ts'
import { rerun } from './rerun.ts'
import { upTo, versionsOf, type VersionRange } from './versions.ts'

export interface ReplayOptions {
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
  app?: string
  account?: string
  identity?: string
  /** the offset of facts that is read next */
  onProgress?: (progress: { partition: number; offset: number }) => void
}

/** A grant as the report `access` has it (its place in the topic apart), and what it rested on. */
export interface ReplayedAccess extends HeldGrant, Intention {}

/** How far one partition of facts was known. */
export interface KnownFacts {
  partition: number
  /** of the first record that was not known yet */
  offset: number
  /** the time that was reached, ms */
  now: number
}

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
 * from the log alone, with nothing written to it. The same answer as the report `access` with `at` and `knownAt`. Memory grows with
 * the changes of access that the filters select. Throws ProcessorError and EnvironmentError.
 */
export async function replayUntil(options: ReplayOptions): Promise<ReplayReport> {
  const { untilMs, atMs = untilMs, identity } = options
  const intended = new Intended()
  const changes: AccessChange[] = []
  const apps = new Set<string>()
  const report: ReplayReport = { untilMs, atMs, known: [], otherVersions: [], apps: [], changes: 0, access: [] }
  // an identity's accounts show at its own home; where else they have been is of use for those only
  const accounts = identity === undefined ? null : new Set<string>()
  for (const partition of partitionsOf(options)) {
    const isFirst = report.known.length === 0
    const { known, versions } = await judgeAgain(options, partition, intended, (change) => {
      apps.add(change.app)
      if (!isSelected(change, options)) return
      if (isFirst && change.identity === identity) accounts?.add(accountOf(change))
      if (accounts?.has(accountOf(change)) !== false) changes.push(change)
    })
    // a home is in one partition: nothing more is said at this one's
    intended.keepOnly(new Set(changes.map(({ home }) => home)))
    report.known.push(known)
    report.otherVersions.push(...versions.filter(({ compared }) => !compared))
  }
  report.changes = changes.length
  report.apps = [...apps].sort(compareKeys)
  report.known.sort((a, b) => a.partition - b.partition)
  report.access = accessAt(changes, atMs)
    .filter((held) => identity === undefined || held.identity === identity)
    .map((held) => ({ ...held, ...intended.of(held) }))
  return report
}

async function judgeAgain(
  { log, codec, judge, scratch, untilMs, onProgress }: ReplayOptions, partition: number, intended: Intended, take: (change: AccessChange) => void,
): Promise<{ known: KnownFacts; versions: VersionRange[] }> {
  const end = await log.end('facts', partition)
  const known: KnownFacts = { partition, offset: end, now: 0 }
  const readers = new Map<number, RecordReader<'access'>>()
  const changesOf = ({ partition: output, key, timestamp, value }: Append): AccessChange[] => {
    const reader = readers.get(output) ?? new RecordReader(codec, 'access', output)
    readers.set(output, reader)
    return reader.read({ offset: -1, key, timestamp, value }).flatMap(({ record }) => (record?.type === 'AccessChange' ? [record] : []))
  }
  await rerun({
    type: judge, partition, log, codec, scratch, end,
    admit: (record, { position, now }) => {
      if (now > untilMs) {
        known.offset = position.offset
        return false
      }
      known.now = now
      intended.take(record)
      return true
    },
    onDerived: (appends) => {
      for (const append of appends) if (append.topic === 'access') for (const change of changesOf(append)) take(change)
      return Promise.resolve(true)
    },
    onProgress: (offset) => onProgress?.({ partition, offset }),
  })
  return { known, versions: upTo(await versionsOf(log, codec, judge, partition), known.offset) }
}

/** All of them; that of the identity's home first. */
function partitionsOf({ log, identity }: ReplayOptions): number[] {
  const count = log.partitions.facts
  const all = Array.from({ length: count }, (_, partition) => partition)
  if (identity === undefined) return all
  const own = partitionOf(identityHome(identity), count)
  return [own, ...all.filter((partition) => partition !== own)]
}

function isSelected(change: AccessChange, { app, account }: ReplayOptions): boolean {
  return (app === undefined || change.app === app) && (account === undefined || change.account === account)
}

const accountOf = ({ app, account }: AccessChange): string => JSON.stringify([app, account])
