import type { ClassManifest } from '../../schemas/wire/common.ts'
import { accountKey } from '../core/keys.ts'
import { compareKeys } from '../core/order.ts'
import { partitionOf } from '../core/partition.ts'
import type { ObservedClass } from '../ports/connector.ts'
import { type Frame, type PlacedPiece, assembleAccount, assembleDefinition } from './assemble.ts'
import { fingerprint } from './fingerprint.ts'
import { newShapes } from './kept-shapes.ts'
import { type LetterContent, deadLetter } from './letters.ts'
import { type Loss, classManifest, classesOf, noDefinitions, outcomeOf } from './manifest.ts'
import { openRun } from './open-run.ts'
import { type StreamOutcome, families } from './read-stream.ts'
import type { Begun, ReadResult } from './run-reading.ts'
import type { RunResult } from './run-result.ts'
import { RunWriter } from './run-writer.ts'
import type { Source } from './source.ts'
import type { Spool, SpoolRow } from './spool.ts'
import { syncRunEnd } from './sync-run.ts'

export interface PublicationOptions {
  source: Source
  /** partitions of topic raw */
  partitions: number
  signal: AbortSignal
}

/** Puts together what the spool holds and publishes it, with the manifests that say what it proves. */
export class RunPublication {
  readonly #options: PublicationOptions
  readonly #run: number
  readonly #begin: number
  readonly #read: ReadResult
  readonly #spool: Spool
  readonly #writer: RunWriter
  readonly #classes: ObservedClass[]
  readonly #frame: Frame
  readonly #counts: number[]
  #definitions = 0
  #definitionLoss: Loss | null = null
  #accountLoss: Loss | null = null
  #rejectedAccounts = 0

  constructor(options: PublicationOptions, { run, begin }: Begun, read: ReadResult, spool: Spool) {
    this.#options = options
    this.#run = run
    this.#begin = begin
    this.#read = read
    this.#spool = spool
    this.#writer = new RunWriter(options.source, options.signal)
    this.#classes = classesOf(read.streams)
    this.#counts = Array.from({ length: options.partitions }, () => 0)
    this.#frame = frameOf(options.source.name, run, read.streams, this.#classes)
  }

  async publish(): Promise<RunResult> {
    const { source } = this.#options
    const mark = { source: source.name, run: this.#run }
    await this.#writer.add({
      topic: 'raw', key: null, record: { type: 'RunBegin', ...mark, observed: this.#begin, mode: 'snapshot', classes: this.#classes },
    })
    await this.#publishDefinitions()
    await this.#writer.add({
      topic: 'raw', key: null, record: { type: 'DefinitionsEnd', ...mark, observed: source.stamp(), manifest: this.#manifest('definitions') },
    })
    await this.#publishAccounts()
    for (const [row] of this.#spool.objects(families.letter)) await this.#letter(JSON.parse(row!.content) as LetterContent)
    const classes = this.#classes.map((name) => this.#manifest(name))
    await this.#writer.add({ topic: 'raw', key: null, record: { type: 'RunEnd', ...mark, observed: source.stamp(), classes } })
    const { failure } = this.#read
    const reason = failure === null ? null : `${failure.class}: ${failure.message}`
    const shapeChanges = this.#read.streams.flatMap((stream) => stream.shapeChanges)
    await this.#writer.add(syncRunEnd(source.name, this.#run, source.clock.nowMs(), this.#totals(), classes, reason, { shapeChanges }))
    await this.#writer.flush(new Map<string, unknown>([openRun(null), ...newShapes(source, this.#read.streams)]))
    const error = failure ?? this.#read.streams.find((stream) => stream.error !== null)?.error ?? this.#read.closing
    const outcome = outcomeOf(classes)
    return { run: this.#run, verdict: outcome.verdict, reason: reason ?? outcome.reason, place: failure?.place ?? outcome.place, classes, pages: this.#totals().pages, error, shapeChanges, unknownApps: null }
  }

  async #publishDefinitions(): Promise<void> {
    for (const rows of this.#spool.objects(families.definition)) {
      const { record, loss } = assembleDefinition(rows.map(placed), this.#frame)
      this.#definitionLoss ??= loss
      if (record === null) continue
      this.#definitions += 1
      await this.#writer.add({ topic: 'raw', key: null, record }, record.children.length)
    }
  }

  async #publishAccounts(): Promise<void> {
    for (const rows of this.#spool.objects(families.account)) {
      const id = rows[0]!.object
      const pieces = rows.map(placed)
      if (this.#isDangling(pieces)) {
        await this.#letter(dangling(pieces))
        continue
      }
      const { record, letters, loss } = assembleAccount(id, pieces, this.#frame)
      for (const letter of letters) await this.#letter(letter)
      this.#rejectedAccounts += letters.length
      this.#accountLoss ??= loss
      const { name: app } = this.#options.source
      const key = accountKey(app, id)
      this.#counts[partitionOf(key, this.#counts.length)]! += 1
      if (record === null) await this.#writer.add({ topic: 'raw', key, record: { type: 'Seen', app, id, run: this.#run } })
      else await this.#writer.add({ topic: 'raw', key, record }, (record.memberships?.added.length ?? 0) + (record.grants?.added.length ?? 0))
    }
  }

  /** Where rows of accounts are known to be missing, the account's own row may be among them: then its pieces are kept. */
  #isDangling(pieces: readonly PlacedPiece[]): boolean {
    if (!this.#frame.has.has('accounts') || pieces.some(({ piece }) => piece.piece === 'account' || piece.piece === 'rejected')) return false
    return !this.#read.streams.some((stream) => stream.classes.includes('accounts') && stream.verdict === 'partial')
  }

  #manifest(name: ObservedClass): ClassManifest {
    if (name === 'definitions') {
      if (!this.#classes.includes(name)) return this.#failed(noDefinitions(this.#counts))
      const counts = this.#counts.map(() => this.#definitions)
      return this.#failed(classManifest(name, this.#read.streams, this.#definitionLoss, counts))
    }
    const manifest = classManifest(name, this.#read.streams, this.#accountLoss, this.#counts)
    return name === 'accounts' ? { ...manifest, rejected: manifest.rejected + this.#rejectedAccounts } : manifest
  }

  #failed(manifest: ClassManifest): ClassManifest {
    const { failure } = this.#read
    return failure === null ? manifest : { ...manifest, verdict: 'partial', reason: `${failure.class}: ${failure.message}`, place: failure.place }
  }

  #totals(): { pages: number; read: number; rejected: number } {
    const sum = (field: 'pages' | 'read' | 'rejected'): number => this.#read.streams.reduce((total, stream) => total + stream[field], 0)
    return { pages: sum('pages'), read: sum('read'), rejected: sum('rejected') + this.#rejectedAccounts }
  }

  async #letter(content: LetterContent): Promise<void> {
    await this.#writer.add(deadLetter(this.#options.source, this.#run, content))
  }
}

/**
 * `asOf`: what a stream without accounts says about one account by not naming it is as old as its first page, so no account's
 * observation may be younger.
 */
function frameOf(app: string, run: number, streams: readonly StreamOutcome[], classes: readonly ObservedClass[]): Frame {
  const complete = (name: ObservedClass): boolean =>
    streams.every((stream) => !stream.classes.includes(name) || stream.verdict === 'complete')
  const aside = streams.filter((stream) =>
    !stream.classes.includes('accounts') && stream.classes.some((name) => name !== 'definitions'))
  return {
    app,
    run,
    has: new Set(classes),
    whole: new Set(classes.filter(complete)),
    asOf: Math.min(...aside.map((stream) => stream.asOf)),
  }
}

const placed = ({ native, stamp, place, content }: SpoolRow): PlacedPiece => ({
  native, stamp, place, piece: JSON.parse(content) as PlacedPiece['piece'],
})

/** Of an account of which something else is told than before, a person has to hear again. */
function dangling(pieces: readonly PlacedPiece[]): LetterContent {
  const { native, place, piece } = pieces[0]!
  return {
    stage: 'assemble',
    code: 'dangling-account',
    reason: `a ${piece.piece} names an account that no row of the application's accounts showed`,
    place,
    record: native,
    payload: '',
    print: fingerprint(pieces.map((one) => JSON.stringify(one.piece)).sort(compareKeys)),
  }
}
