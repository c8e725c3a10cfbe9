import { join, resolve } from 'node:path'
import type { FeedConfig } from '../../../schemas/config.ts'
import type { ClassManifest } from '../../../schemas/wire/common.ts'
import { compareKeys } from '../../core/order.ts'
import { partitionOf } from '../../core/partition.ts'
import { readCsv } from '../files/csv.ts'
import { readNdjson } from '../files/ndjson.ts'
import type { FilePage } from '../files/rows.ts'
import { fingerprint } from '../fingerprint.ts'
import { type LetterContent, deadLetter } from '../letters.ts'
import { type Loss, classManifest, noDefinitions } from '../manifest.ts'
import { maskRow } from '../mask.ts'
import { openRun, tellBegin } from '../open-run.ts'
import type { RunResult } from '../run-result.ts'
import { RunWriter } from '../run-writer.ts'
import type { Source } from '../source.ts'
import { Spool, type SpoolRow } from '../spool.ts'
import { syncRunEnd } from '../sync-run.ts'
import { type FeedRead, type SpooledRow, feedFamilies, readFeed } from './feed-read.ts'
import { type CanonicalAccount, intentOf, mergeRows } from './intent.ts'
import { requiredColumns } from './shape.ts'

interface FeedRunOptions {
  /** its name is the feed's */
  source: Source
  feed: FeedConfig & { path: string }
  /** the feed's path starts here */
  baseDir: string
  canonical: CanonicalAccount
  /** the applications that the config file has or had */
  apps: ReadonlySet<string>
  /** partitions of topic intent */
  partitions: number
  dataDir: string
  signal: AbortSignal
}

/** One complete read of a feed's file, published whatever came of it. Rejects on abort and where publishing fails. One that a process left behind is over. */
export async function runFeed(options: FeedRunOptions): Promise<RunResult> {
  const { source, feed, canonical, apps, signal } = options
  const run = source.nextRun()
  const begin = source.stamp()
  await source.publish(tellBegin(source, run), new Map([openRun(run)]))
  const spool = new Spool(join(options.dataDir, 'spool'))
  try {
    const read = await readFeed(pagesOf(options), { source, shape: feed, canonical, apps, spool, signal })
    return await new FeedPublication(options, run, begin, read, spool).publish()
  } finally {
    spool.close()
  }
}

function pagesOf({ feed, baseDir }: FeedRunOptions): AsyncIterable<FilePage> {
  const path = resolve(baseDir, feed.path)
  return feed.format === 'csv' ? readCsv(path, { columns: requiredColumns(feed) }) : readNdjson(path)
}

class FeedPublication {
  readonly #options: FeedRunOptions
  readonly #run: number
  readonly #begin: number
  readonly #read: FeedRead
  readonly #spool: Spool
  readonly #writer: RunWriter
  readonly #counts: number[]
  #loss: Loss | null = null
  #contradicted = 0

  constructor(options: FeedRunOptions, run: number, begin: number, read: FeedRead, spool: Spool) {
    this.#options = options
    this.#run = run
    this.#begin = begin
    this.#read = read
    this.#spool = spool
    this.#writer = new RunWriter(options.source, options.signal)
    this.#counts = Array.from({ length: options.partitions }, () => 0)
  }

  async publish(): Promise<RunResult> {
    const { source, feed } = this.#options
    const mark = { source: source.name, run: this.#run }
    const definitions = feed.class === 'business-roles'
    await this.#writer.add({
      topic: 'intent', key: null, record: { type: 'RunBegin', ...mark, observed: this.#begin, mode: 'snapshot', classes: [feed.class] },
    })
    if (definitions) await this.#publishObjects()
    const manifest = definitions ? this.#manifest() : noDefinitions(this.#counts)
    await this.#writer.add({ topic: 'intent', key: null, record: { type: 'DefinitionsEnd', ...mark, observed: source.stamp(), manifest } })
    if (!definitions) await this.#publishObjects()
    for (const [row] of this.#spool.objects(feedFamilies.letter)) await this.#letter(JSON.parse(row!.content) as LetterContent)
    const classes = [this.#manifest()]
    await this.#writer.add({ topic: 'intent', key: null, record: { type: 'RunEnd', ...mark, observed: source.stamp(), classes } })
    const { pages, read, error, unknownApps } = this.#read
    const rejected = classes[0]!.rejected
    await this.#writer.add(syncRunEnd(source.name, this.#run, source.clock.nowMs(), { pages, read, rejected }, classes, null, { unknownApps }))
    await this.#writer.flush(new Map([openRun(null)]))
    const { verdict, reason, place } = classes[0]!
    return { run: this.#run, verdict, reason, place, classes, pages, error, shapeChanges: [], unknownApps }
  }

  async #publishObjects(): Promise<void> {
    const { source, feed, canonical } = this.#options
    // a role has many rows: where rows are missing, they may be any role's
    const areWhole = feed.class !== 'business-roles' || this.#read.verdict !== 'partial'
    for (const rows of this.#spool.objects(feedFamilies.row)) {
      const content = rows.map((row) => JSON.parse(row.content) as SpooledRow)
      const read = content.flatMap(({ row }) => (row === null ? [] : [row]))
      const isRead = areWhole && read.length === content.length
      const merged = isRead ? mergeRows(read) : null
      if (merged === null) {
        if (isRead) await this.#contradiction(rows)
        for (const key of new Set(content.map((row) => row.key))) await this.#seen(rows[0]!.object, key)
        continue
      }
      const observed = rows.reduce((least, { stamp }) => Math.min(least, stamp), Infinity)
      const record = intentOf(merged, { feed: source.name, run: this.#run, observed }, canonical)
      const { key } = content[0]!
      this.#count(key)
      await this.#writer.add({ topic: 'intent', key, record }, record.type === 'BusinessRole' ? record.grants.length : 0)
    }
  }

  /** Rows of one id that say different things: none is believed, the object stays as it was. */
  async #contradiction(rows: readonly SpoolRow[]): Promise<void> {
    const { object, place, content } = rows.at(-1)!
    const reason = 'rows of the same id contradict each other'
    this.#loss ??= { reason, place }
    this.#contradicted += rows.length
    const payload = maskRow((JSON.parse(content) as SpooledRow).row?.row)
    const print = fingerprint(rows.map((row) => row.content).sort(compareKeys))
    await this.#letter({ stage: 'assemble', code: 'duplicate-id', reason, aside: `first at ${rows[0]!.place}`, place, record: object, payload, print })
  }

  async #seen(id: string, key: string | null): Promise<void> {
    const { source, feed } = this.#options
    this.#count(key)
    await this.#writer.add({ topic: 'intent', key, record: { type: 'IntentSeen', feed: source.name, run: this.#run, class: feed.class, id } })
  }

  #count(key: string | null): void {
    if (key === null) for (const partition of this.#counts.keys()) this.#counts[partition]! += 1
    else this.#counts[partitionOf(key, this.#counts.length)]! += 1
  }

  #manifest(): ClassManifest {
    const manifest = classManifest(this.#options.feed.class, [this.#read], this.#loss, this.#counts)
    return { ...manifest, rejected: manifest.rejected + this.#contradicted }
  }

  async #letter(content: LetterContent): Promise<void> {
    await this.#writer.add(deadLetter(this.#options.source, this.#run, content))
  }
}
