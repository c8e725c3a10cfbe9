import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { PostResult } from '../connect/feeds/post.ts'
import type { SourceHealth } from '../connect/health.ts'
import type { Receiver } from '../connect/webhooks/receiver.ts'
import { ConnectError } from '../ports/connector.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { actionHistory } from '../reports/actions.ts'
import { reports } from '../reports/catalogue.ts'
import { openLetters } from '../reports/dead-letters.ts'
import { findingById, findingHistory, holdsAbsences, type FindingRow } from '../reports/findings.ts'
import { knownSources, runsOf } from '../reports/known-sources.ts'
import { pausedSources, type Paused } from '../reports/paused.ts'
import { inactiveSources } from '../reports/source-states.ts'
import { summary } from '../reports/summary.ts'
import { unknownNames } from '../reports/unknown-names.ts'
import { unprovenSources, type Unproven } from '../reports/unproven.ts'
import { systemClock, type Clock } from '../runtime/clock.ts'
import type { Publisher } from '../runtime/publisher.ts'
import { topicsBehind } from '../sink/behind.ts'
import { decisionsOf, oneAction } from './actions.ts'
import { ApiError } from './api-error.ts'
import type { ActionStep, Api, Filters } from './api.ts'
import { spelledAsKept, type Configured } from './configured.ts'
import { connectorHealth } from './connectors.ts'
import { walkCauses } from './explain.ts'
import { timeOf, typedFilters } from './filters.ts'
import { decided, letterById } from './letters.ts'

export interface ReadSources {
  log: Log
  codec: Codec
  store: Store
}

/** What a running grantline adds: it can also be told things. */
export interface WriteSources {
  clock: Clock
  /** writes commands and rulings */
  publisher: Publisher
  apps: readonly string[]
  feeds: readonly string[]
  health(): SourceHealth[]
  /** of applications that send webhooks */
  receivers: ReadonlyMap<string, Receiver>
  postIntent(feed: string, rows: readonly unknown[]): Promise<PostResult>
}

/** The API in this process. Without `write` it only reads: nothing runs that would obey. */
export function localApi({ log, codec, store }: ReadSources, write: WriteSources | null, { apps, feeds, ids }: Configured = { apps: write?.apps ?? [], feeds: write?.feeds ?? [], ids: new Map() }): Api {
  const writing = (what: string): WriteSources => {
    if (write === null) throw new ApiError(409, `${what} needs a running grantline: start one with \`grantline run\` on this data directory`)
    return write
  }
  const stepsOf = async (id: string): Promise<ActionStep[]> => {
    const seen = new Set<string>()
    const steps: ActionStep[] = []
    for (const action of await actionHistory(store, id)) {
      steps.push({ action, because: await walkCauses(log, codec, [action.cause], 0, seen) })
    }
    return steps
  }
  /** Throws where nothing was ever read of it: that a report found nothing there would be no answer. */
  const refuseUnread = async (source: string): Promise<void> => {
    const sources = await knownSources(store)
    if (sources.includes(source)) return
    if (write !== null && [...write.apps, ...write.feeds].includes(source)) throw new ApiError(503, `nothing was read of ${source} yet`)
    throw new ApiError(404, `nothing was ever read of ${source}; there are ${sources.join(', ') || 'none'}`)
  }
  const configured = [...apps, ...feeds]
  const proven = new Map<string, number>()
  /** Of the applications that are asked about, and of all feeds: what is intended rests on each of them. Tables that lack something know nothing of what they have no run of. */
  const unprovenFor = async ({ app, at, knownAt, from }: Filters, isBehind: boolean): Promise<Unproven[]> => {
    const time = at ?? knownAt ?? from
    const asked = [...apps.filter((name) => app === undefined || name === app), ...feeds]
    const known = isBehind ? await knownSources(store) : asked
    return unprovenSources(store, asked.filter((name) => known.includes(name)), time === undefined ? null : timeOf('at', time), proven)
  }
  /** Of the application that is asked about, if any, and all feeds, by the earliest time at which it is asked what was held or known. */
  const pausedFor = async ({ app, at, to, knownAt }: Filters): Promise<Paused[]> => {
    const times = [at ?? to, knownAt].filter((time) => time !== undefined).map((time) => timeOf('at', time))
    return pausedSources(await inactiveSources(store, configured), app ?? null, times.length === 0 ? null : Math.min(...times))
  }
  return {
    async report(name, asked, format, width) {
      const filters = spelledAsKept(asked, ids)
      const report = reports.find((candidate) => candidate.name === name)
      if (report === undefined) throw new ApiError(404, `there is no report ${name}; there are ${reports.map((known) => known.name).join(', ')}`)
      try {
        const { answer, count, cutAt } = await report.text(store, typedFilters(filters), format, width)
        const source = filters['app'] ?? filters['source']
        const behind = write === null ? await topicsBehind(log, store) : []
        const isEmpty = count === 0 && behind.length === 0
        if (isEmpty && source !== undefined) await refuseUnread(source)
        const unknown = isEmpty ? await unknownNames(store, filters) : []
        if (!report.restsOnSources) return { text: answer, cutAt, unknown, unproven: [], paused: [], behind, deadLetters: [] }
        const [unproven, paused] = [await unprovenFor(filters, behind.length > 0), await pausedFor(filters)]
        return { text: answer, cutAt, unknown, unproven, paused, behind, deadLetters: await openLetters(store, filters['app'] ?? null) }
      } catch (error) {
        if (error instanceof z.ZodError) throw new ApiError(400, z.prettifyError(error))
        throw error
      }
    },
    summary: () => summary(store, configured),
    connectors: () => connectorHealth(store, configured, write?.health() ?? null, (write?.clock ?? systemClock).nowMs()),
    async explain(id) {
      const finding = one(await findingById(store, id), id)
      const history = await findingHistory(store, finding.id)
      const [because, actions] = [await walkCauses(log, codec, finding.causes), await stepsOf(finding.id)]
      const [paused, deadLetters] = [await pausedFor(finding.app === null ? {} : { app: finding.app }), await openLetters(store, finding.app)]
      return { finding, history, because, actions, paused, deadLetters }
    },
    action: async (id) => stepsOf((await oneAction(store, id)).id),
    async decideActions(request) {
      const { publisher, clock, apps } = writing(`to ${request.decision}`)
      const decisions = await decisionsOf(store, request, apps, clock.nowMs())
      await publisher.publish(decisions)
      return decisions.length
    },
    letter: (id) => letterById(store, id),
    async decideLetter(id, decision) {
      const { publisher, clock, apps } = writing(`to ${decision.decision} a dead letter`)
      const { outgoing, did } = decided(await letterById(store, id), decision, apps, clock.nowMs(), randomUUID())
      await publisher.publish(outgoing)
      return did
    },
    async sync(app) {
      const { publisher, clock, apps } = writing('sync')
      if (!apps.includes(app)) throw new ApiError(404, `there is no application ${app}; there are ${apps.join(', ')}`)
      const record = { type: 'Command' as const, id: randomUUID(), app, kind: 'sync' as const, account: null, run: null, reason: 'asked for', write: null, at: clock.nowMs(), cause: null }
      await publisher.publish([{ topic: 'commands', key: app, record }])
    },
    async deliver(app, incoming) {
      const { publisher, clock, receivers } = writing('a webhook')
      const receiver = receivers.get(app)
      if (receiver === undefined) throw new ApiError(404, 'no application takes webhooks here')
      const received = receiver.receive(incoming, clock.nowMs())
      if ('refused' in received) throw new ApiError(401, received.refused)
      await publisher.publish([{ topic: 'commands', key: app, record: received.delivery }])
    },
    async rule(ruling) {
      const { publisher, clock, apps, feeds } = writing('a ruling')
      const named = [...apps, ...feeds]
      // what left the config file is retired by its name: it keeps what was read of it until then
      const left = ruling.kind === 'retire' ? [...(await knownSources(store)), ...(await inactiveSources(store, configured)).map(({ source }) => source)] : []
      const sources = [...new Set([...named, ...left])]
      if (!sources.includes(ruling.source)) throw new ApiError(404, `there is no application or feed ${ruling.source}; there are ${sources.join(', ')}`)
      if (ruling.run !== null) {
        const { last, had } = await runsOf(store, ruling.source, ruling.run)
        if (!had) throw new ApiError(404, `${ruling.source} had no run ${ruling.run}; ${last === 0 ? 'it had none yet' : `its last one is ${last}`}`)
      }
      if (ruling.kind === 'release') {
        if (ruling.run === null) throw new ApiError(400, 'a release names the run (--run): the finding held-absences says which')
        if (!(await holdsAbsences(store, ruling.source))) throw new ApiError(409, `nothing that ${ruling.source} no longer shows is held: there is nothing to release`)
      }
      const record = { type: 'Ruling' as const, ...ruling, at: clock.nowMs() }
      await publisher.publish([...(['raw', 'intent', 'facts'] as const).map((topic) => ({ topic, key: null, record })), { topic: 'rulings', key: ruling.source, record }])
    },
    async post(feed, rows) {
      try {
        return await writing('posting intent').postIntent(feed, rows)
      } catch (error) {
        if (error instanceof ConnectError && error.class === 'not-found') throw new ApiError(404, error.message)
        if (error instanceof ConnectError && error.class === 'transient') throw new ApiError(503, error.message)
        throw error
      }
    },
  }
}

function one(found: FindingRow[], id: string): FindingRow {
  const [first, ...others] = found
  if (first === undefined) throw new ApiError(404, `there is no finding ${id}; \`grantline findings --state all\` lists them`)
  if (others.length > 0) throw new ApiError(400, `${id} is the beginning of ${found.length} findings: ${found.map((row) => row.id.slice(0, id.length + 4)).join(', ')}`)
  return first
}
