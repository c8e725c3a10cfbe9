import type { ClassManifest, Verdict } from '../../schemas/wire/common.ts'
import type { UnknownApp } from '../../schemas/wire/results.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ConnectEvent } from './events.ts'
import type { ShapeChange } from './shape.ts'
import type { LimiterState } from './throttle/limiter.ts'

/** How one application or feed is doing, the same for all of them. Counts are since this process began; times are ms since 1970. */
export interface SourceHealth {
  source: string
  kind: 'app' | 'feed'
  /** `not running`: no process of ours reads it now; `paused`, `retired`: nor will one; `silent`: its webhooks do not come as they are expected to */
  state: 'not running' | 'new' | 'reading well' | 'incomplete' | 'in trouble' | 'silent' | 'paused' | 'retired'
  run: number | null
  verdict: Verdict | null
  /** why the last run was not complete, and where */
  reason: string | null
  place: string | null
  lastRunAt: number | null
  lastCompleteAt: number | null
  /** when the next run is due */
  nextAt: number | null
  runs: number
  /** share of the last runs that were not complete */
  failureRate: number
  pages: number
  records: number
  rejected: number
  /** objects that the source counts and we did not read (below 0: it counts fewer), in the last run; null: it gives no count */
  gap: number | null
  requests: number
  retries: number
  refused: number
  /** spent waiting for the application to let requests through */
  throttledMs: number
  /** requests a second that the application is asked now; null: nothing limits */
  perSecond: number | null
  waitMs: number
  rereads: number
  /** webhooks taken, each once; when the last one came; numbers of their sequence that did not come yet */
  deliveries: number
  lastDeliveryAt: number | null
  missingDeliveries: number
  /** fields that were not what they had been, in the last run */
  shapeChanges: readonly ShapeChange[]
  /** what rows of a feed name and the config file never had, in the last run */
  unknownApps: readonly UnknownApp[]
  problem: string | null
  problemAt: number | null
}

export interface WatchedSource {
  source: string
  kind: SourceHealth['kind']
  active: boolean
}

/** of the failure rate */
const rememberedRuns = 20

/** Keeps the health of every source, from the events of the connector runtime. */
export class Health {
  readonly #clock: Clock
  readonly #sources = new Map<string, { health: SourceHealth; outcomes: boolean[]; silent: boolean }>()

  constructor(clock: Clock, sources: readonly WatchedSource[]) {
    this.#clock = clock
    for (const { source, kind, active } of sources) this.#sources.set(source, { health: fresh(source, kind, active), outcomes: [], silent: false })
  }

  onEvent(event: ConnectEvent): void {
    const entry = this.#sources.get(event.source)
    if (entry === undefined) return
    const { health, outcomes } = entry
    switch (event.event) {
      case 'run': {
        outcomes.push(event.result.verdict === 'complete')
        if (outcomes.length > rememberedRuns) outcomes.shift()
        this.#ran(health, event)
        health.failureRate = outcomes.filter((complete) => !complete).length / outcomes.length
        return
      }
      case 'request': {
        const { attempts, refused, throttledMs } = event.report
        health.requests += attempts
        health.retries += Math.max(0, attempts - 1)
        health.refused += refused
        health.throttledMs += throttledMs
        return
      }
      case 'reread':
        health.rereads += event.accounts
        return
      case 'deliveries':
        health.deliveries += event.taken
        health.lastDeliveryAt = event.lastAt
        health.missingDeliveries = event.missing
        entry.silent = event.silent
        return
      case 'problem':
        health.problem = `${event.doing}: ${event.reason}`
        health.problemAt = this.#clock.nowMs()
        if (event.nextInMs !== null) health.state = 'in trouble'
        return
      case 'wait':
        return
    }
  }

  /** `paceOf`: the limiter of an application, where this process has one. */
  list(paceOf: (source: string) => LimiterState | undefined): SourceHealth[] {
    return [...this.#sources.values()].map(({ health, silent }) => {
      const pace = paceOf(health.source)
      return { ...health, ...(silent && silence(health)), perSecond: pace === undefined ? null : Math.round(pace.perSecond * 10) / 10, waitMs: Math.round(pace?.waitMs ?? 0) }
    })
  }

  #ran(health: SourceHealth, { result, nextInMs }: Extract<ConnectEvent, { event: 'run' }>): void {
    const now = this.#clock.nowMs()
    const { run, verdict, reason, place, classes, pages, shapeChanges, unknownApps, error } = result
    Object.assign(health, { run, verdict, reason, place, shapeChanges, unknownApps: unknownApps ?? [], lastRunAt: now, nextAt: now + nextInMs, gap: gapOf(classes) })
    health.state = verdict === 'complete' ? 'reading well' : error === null ? 'incomplete' : 'in trouble'
    if (verdict === 'complete') health.lastCompleteAt = now
    if (error === null) {
      health.problem = null
      health.problemAt = null
    }
    health.runs += 1
    health.pages += pages
    health.records += classes.reduce((sum, { read }) => sum + read, 0)
    health.rejected += classes.reduce((sum, item) => sum + item.rejected, 0)
  }
}

/** What is told of a source whose webhooks stay away. */
const silence = ({ lastDeliveryAt }: SourceHealth): Pick<SourceHealth, 'state' | 'problem' | 'problemAt'> => ({
  state: 'silent', problem: `no webhook came since ${new Date(lastDeliveryAt ?? 0).toISOString()}, which is longer than expected`, problemAt: lastDeliveryAt,
})

/** Objects that the source counts and that were not read, over the classes that it counts; null where it counts none. */
export function gapOf(classes: readonly ClassManifest[]): number | null {
  const counted = classes.filter(({ declared }) => declared !== null)
  return counted.length === 0 ? null : counted.reduce((sum, { declared, read }) => sum + (declared ?? 0) - read, 0)
}

const fresh = (source: string, kind: SourceHealth['kind'], active: boolean): SourceHealth => ({
  source, kind, state: active ? 'new' : 'paused', run: null, verdict: null, reason: null, place: null, lastRunAt: null, lastCompleteAt: null, nextAt: null,
  runs: 0, failureRate: 0, pages: 0, records: 0, rejected: 0, gap: null, requests: 0, retries: 0, refused: 0, throttledMs: 0, perSecond: null, waitMs: 0,
  rereads: 0, deliveries: 0, lastDeliveryAt: null, missingDeliveries: 0, shapeChanges: [], unknownApps: [], problem: null, problemAt: null,
})
