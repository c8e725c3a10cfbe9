import { z } from 'zod'
import type { ClassManifest, Verdict } from '../../schemas/wire/common.ts'
import type { UnknownApp } from '../../schemas/wire/results.ts'
import { accountKey } from '../core/keys.ts'
import { compareKeys } from '../core/order.ts'
import { partitionOf } from '../core/partition.ts'
import type { ConnectError, ConnectorSession, ObservedClass } from '../ports/connector.ts'
import { actions } from './actions.ts'
import { type Frame, type PlacedPiece, assembleAccount, assembleDefinition } from './assemble.ts'
import { asConnectError } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import { type LetterContent, deadLetter } from './letters.ts'
import { type Loss, classManifest, classesOf, noDefinitions, outcomeOf } from './manifest.ts'
import { openRun, openRunOf, tellBegin } from './open-run.ts'
import { type ReadTarget, type StreamOutcome, type StreamPoint, families, readStream, unread } from './read-stream.ts'
import { type RunPoint, finishedOf, openSpool, outcomesOf } from './resume.ts'
import { RunWriter } from './run-writer.ts'
import type { Source } from './source.ts'
import { Shape, type ShapeChange } from './shape.ts'
import type { Spool, SpoolRow } from './spool.ts'
import { syncRunEnd } from './sync-run.ts'

export interface SnapshotOptions {
  /** its name is the application's */
  source: Source
  open: () => Promise<ConnectorSession>
  canonical: (native: string) => string
  /** partitions of topic raw */
  partitions: number
  dataDir: string
  signal: AbortSignal
  /** goes into the transaction that begins the run */
  checkpoint?: ReadonlyMap<string, unknown>
  /** digest of the application's settings: with others a run is not gone on with */
  settings?: string
}

export interface RunResult {
  run: number
  verdict: Verdict
  reason: string | null
  place: string | null
  classes: ClassManifest[]
  /** answered by the source, over all streams */
  pages: number
  /** what broke the run or one of its streams: it should be tried again soon */
  error: ConnectError | null
  /** how rows differ from those of the last complete read */
  shapeChanges: ShapeChange[]
  /** what rows of a feed name and the config file never had; null: an application's run */
  unknownApps: UnknownApp[] | null
}

/**
 * One complete read of an application, published whatever came of it: what was read is of use, and the manifests say what it
 * proves. Rejects on abort and where publishing fails; an error of the application is in the result.
 *
 * A run that a process left behind while it read is gone on with, where the session says that it can be and nothing has changed; any
 * other is closed as abandoned, and a new one begins.
 */
export async function runSnapshot(options: SnapshotOptions): Promise<RunResult> {
  const { source, settings = '', checkpoint = new Map<string, unknown>() } = options
  const { spool, point } = openSpool(options.dataDir, source.name, openRunOf(source), settings, source.clock.nowMs())
  let stays = (): boolean => false
  try {
    if (point !== null) source.stampAbove(point.stamp)
    const begun: Begun = point === null ? { run: source.nextRun(), begin: source.stamp() } : { run: point.run, begin: point.begin }
    await source.publish(point === null ? tellBegin(source, begun.run) : [], new Map([...checkpoint, openRun(begun.run)]))
    const reading = new Reading(options, begun, spool, point)
    stays = () => reading.isSaved
    const read = await reading.read()
    stays = () => false
    spool.forget()
    return await new Publication(options, begun.run, begun.begin, read, spool).publish()
  } finally {
    if (stays()) spool.suspend()
    else spool.close()
  }
}

interface Begun {
  run: number
  begin: number
}

interface ReadResult {
  streams: StreamOutcome[]
  /** the session could not be opened: nothing was read */
  failure: ConnectError | null
  /** worth telling, though all was read by then */
  closing: ConnectError | null
}

class Reading {
  readonly #options: SnapshotOptions
  readonly #begun: Begun
  readonly #spool: Spool
  readonly #from: RunPoint | null
  #saved: boolean

  constructor(options: SnapshotOptions, begun: Begun, spool: Spool, from: RunPoint | null) {
    this.#options = options
    this.#begun = begun
    this.#spool = spool
    this.#from = from
    this.#saved = from !== null
  }

  /** A successor can go on with it. */
  get isSaved(): boolean {
    return this.#saved
  }

  async read(): Promise<ReadResult> {
    const { signal, source } = this.#options
    let session: ConnectorSession
    try {
      signal.throwIfAborted()
      session = await this.#options.open()
    } catch (error) {
      signal.throwIfAborted()
      return { streams: [], failure: asConnectError(error, `opening ${source.name}`), closing: null }
    }
    let closing: ConnectError | null = null
    let streams: StreamOutcome[]
    try {
      streams = await this.#readStreams(session)
    } finally {
      await session.close().catch((error: unknown) => {
        closing = asConnectError(error, `closing ${source.name}`)
      })
    }
    return { streams, failure: null, closing }
  }

  async #readStreams(session: ConnectorSession): Promise<StreamOutcome[]> {
    const finished = session.resumable === true && this.#from !== null ? outcomesOf(this.#from, session.streams) : null
    if (finished === null) this.#spool.clear()
    const outcomes = finished ?? []
    let point = finished === null ? null : (this.#from?.point ?? null)
    let stopped = outcomes.find(isStopping)?.error ?? null
    for (const [index, stream] of session.streams.entries()) {
      if (index < outcomes.length) continue
      const outcome: StreamOutcome = stopped === null
        ? await readStream(stream, index, this.#target(session, outcomes), point)
        : unread(stream, stopped, this.#begun.begin)
      point = null
      outcomes.push(outcome)
      if (isStopping(outcome)) stopped ??= outcome.error
    }
    return outcomes
  }

  #target(session: ConnectorSession, finished: readonly StreamOutcome[]): ReadTarget {
    const { signal, source, canonical } = this.#options
    const shapes = shapesOf(source)
    const target = { spool: this.#spool, signal, opened: this.#begun.begin, canonical, stamp: () => source.stamp(), shapeOf: (stream: string) => shapes[stream] }
    if (session.resumable !== true) return target
    const streams = session.streams.map(({ name }) => name)
    return { ...target, save: (point) => this.#save(streams, finished, point) }
  }

  #save(streams: string[], finished: readonly StreamOutcome[], point: StreamPoint): void {
    const { source, settings = '' } = this.#options
    const whole: RunPoint = {
      version: 1, ...this.#begun, settings, streams, stamp: source.stamp(), at: source.clock.nowMs(), finished: finishedOf(finished), point,
    }
    this.#spool.save(JSON.stringify(whole))
    this.#saved = true
  }
}

const isStopping = ({ error }: StreamOutcome): boolean => error !== null && actions[error.class].then === 'stop-run'

class Publication {
  readonly #options: SnapshotOptions
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

  constructor(options: SnapshotOptions, run: number, begin: number, read: ReadResult, spool: Spool) {
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
    await this.#writer.flush(new Map<string, unknown>([openRun(null), ...this.#newShapes()]))
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

  /** What a complete read showed is what the next one is compared with; an unchanged shape writes nothing. */
  #newShapes(): [string, unknown][] {
    const known = shapesOf(this.#options.source)
    const shapes = { ...known }
    for (const { name, verdict, shape } of this.#read.streams) if (verdict !== 'partial' && shape !== null) shapes[name] = shape
    return JSON.stringify(shapes) === JSON.stringify(known) ? [] : [[shapesKey, shapes]]
  }

  async #letter(content: LetterContent): Promise<void> {
    const { source } = this.#options
    await this.#writer.add({ topic: 'dead-letters', key: source.name, record: deadLetter(source, this.#run, content) })
  }
}

const shapesKey = 'shapes'

/** By stream. What can't be understood is not known: it is learned anew. */
const shapesOf = (source: Source): Record<string, Shape> => z.record(z.string(), Shape).safeParse(source.kept(shapesKey)).data ?? {}

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
