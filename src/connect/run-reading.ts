import type { ConnectError, ConnectorSession } from '../ports/connector.ts'
import { actions } from './actions.ts'
import { asConnectError } from './errors.ts'
import { keptShapes } from './kept-shapes.ts'
import { type ReadTarget, type StreamOutcome, type StreamPoint, readStream, unread } from './read-stream.ts'
import { type RunPoint, finishedOf, outcomesOf } from './resume.ts'
import type { Source } from './source.ts'
import type { Spool } from './spool.ts'

export interface ReadingOptions {
  /** its name is the application's */
  source: Source
  open: () => Promise<ConnectorSession>
  /** one spelling of each id */
  canonical: (native: string) => string
  /** digest of the application's settings: with others a run is not gone on with */
  settings: string
  signal: AbortSignal
}

/** Number and stamp of a run that began. */
export interface Begun {
  run: number
  begin: number
}

/** What came of reading. */
export interface ReadResult {
  streams: StreamOutcome[]
  /** the session could not be opened: nothing was read */
  failure: ConnectError | null
  /** worth telling, though all was read by then */
  closing: ConnectError | null
}

/** Reads every stream of a session into the spool, from where a process that ended left off where it can be. */
export class RunReading {
  readonly #options: ReadingOptions
  readonly #begun: Begun
  readonly #spool: Spool
  readonly #from: RunPoint | null
  #saved: boolean

  constructor(options: ReadingOptions, begun: Begun, spool: Spool, from: RunPoint | null) {
    this.#options = options
    this.#begun = begun
    this.#spool = spool
    this.#from = from
    this.#saved = from !== null
  }

  /** A successor can go on with it: the spool holds a point. */
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
    const shapes = keptShapes(source)
    const target = { spool: this.#spool, signal, opened: this.#begun.begin, canonical, stamp: () => source.stamp(), shapeOf: (stream: string) => shapes[stream] }
    if (session.resumable !== true) return target
    const streams = session.streams.map(({ name }) => name)
    return { ...target, save: (point) => this.#save(streams, finished, point) }
  }

  #save(streams: string[], finished: readonly StreamOutcome[], point: StreamPoint): void {
    const { source, settings } = this.#options
    const whole: RunPoint = {
      version: 1, ...this.#begun, settings, streams, stamp: source.stamp(), at: source.clock.nowMs(), finished: finishedOf(finished), point,
    }
    this.#spool.save(JSON.stringify(whole))
    this.#saved = true
  }
}

const isStopping = ({ error }: StreamOutcome): boolean => error !== null && actions[error.class].then === 'stop-run'
