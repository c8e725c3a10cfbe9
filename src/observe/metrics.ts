import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ConnectEvent } from '../connect/events.ts'
import { gapOf } from '../connect/health.ts'
import type { Summary } from '../reports/summary.ts'
import type { PipelineProgress } from '../runtime/pipeline.ts'
import type { SinkEvent } from '../sink/partition-sink.ts'
import type { MeasuredCommit } from './measured-log.ts'
import { seldom } from './seldom.ts'

/** Asked for at every scrape. `summary`: null where this process reads no tables. */
interface MetricSources {
  progress: () => Promise<PipelineProgress[]>
  summary: (() => Promise<Summary>) | null
}

/** seconds */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** What intended and granted access differ in: findings of these kinds are the gap that reconciling has to close. */
const gapKinds: readonly string[] = ['unauthorised-grant', 'missing-grant', 'expired-grant', 'leaver-access']

/**
 * What Prometheus reads at /metrics. Labels name applications, feeds, processors, partitions and kinds, never an account, an identity
 * or an entitlement.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #counter = this.#counters()
  readonly #fills: (() => Promise<void>)[] = []

  /** `release`: of this software. */
  constructor(release: string) {
    collectDefaultMetrics({ register: this.#registry })
    const info = this.#gauge('grantline_build_info', 'Always 1; the label says which release runs.', ['release'])
    info.set({ release }, 1)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text of one scrape. What can't be asked for now is left out, and counted. */
  async text(): Promise<string> {
    await Promise.all(this.#fills.map((fill) => fill().catch(() => this.#counter.scrapeFailures.inc())))
    return this.#registry.metrics()
  }

  onConnect(event: ConnectEvent): void {
    const { runs, pages, records, rejected, gap, schema, requests, requestSeconds, refused, retries, retryWaits, throttled, rereads, writes, problems, deliveries, lastDelivery, silent, missing: awaited } = this.#counter
    const { source } = event
    switch (event.event) {
      case 'run': {
        runs.inc({ source, verdict: event.result.verdict })
        pages.inc({ source }, event.result.pages)
        schema.inc({ source }, event.result.shapeChanges.length)
        const missing = gapOf(event.result.classes)
        if (missing !== null) gap.set({ source }, missing)
        for (const item of event.result.classes) {
          records.inc({ source, class: item.class }, item.read)
          rejected.inc({ source, class: item.class }, item.rejected)
        }
        return
      }
      case 'wait':
        retries.inc({ source })
        return retryWaits.inc({ source }, event.wait.waitMs / 1_000)
      case 'request': {
        const { outcome, throttledMs, tookMs, refused: tooMany } = event.report
        requests.inc({ source, outcome })
        requestSeconds.observe({ source }, tookMs / 1_000)
        refused.inc({ source }, tooMany)
        return throttled.inc({ source }, throttledMs / 1_000)
      }
      case 'write':
        return writes.inc({ source, verdict: event.verdict })
      case 'reread':
        return rereads.inc({ source }, event.accounts)
      case 'deliveries':
        deliveries.inc({ source }, event.taken)
        lastDelivery.set({ source }, event.lastAt / 1_000)
        silent.set({ source }, event.silent ? 1 : 0)
        return awaited.set({ source }, event.missing)
      case 'problem':
        return problems.inc({ source })
    }
  }

  onCommit({ id, outcome, ms }: MeasuredCommit): void {
    const writer = writerOf(id)
    this.#counter.transactions.inc({ writer, outcome })
    if (outcome === 'committed') this.#counter.transactionSeconds.observe({ writer }, ms / 1_000)
  }

  onSink(event: SinkEvent): void {
    const { topic } = event
    if (event.event === 'inserted') this.#counter.sinkRows.inc({ topic }, event.rows)
    if (event.event === 'failed') this.#counter.sinkRetries.inc({ topic })
    if (event.event === 'unreadable') this.#counter.sinkUnreadable.inc({ topic })
  }

  onRestore({ task, offset, end, rows }: { task: string; offset: number; end: number; rows: number }): void {
    if (!task.startsWith('task/')) return // the others keep a few rows, and their names change with each process
    this.#counter.restored.set({ task }, rows)
    this.#counter.restoreLeft.set({ task }, Math.max(0, end - offset))
    this.#counter.standbyLag.remove({ task })
  }

  onStandby({ task, offset, end }: { task: string; offset: number; end: number }): void {
    this.#counter.standbyLag.set({ task }, Math.max(0, end - offset))
  }

  /** Gauges that are read when they are asked for. */
  watch({ progress, summary }: MetricSources): void {
    this.#watchTasks(progress)
    if (summary !== null) this.#watchTables(summary)
  }

  #watchTasks(progress: MetricSources['progress']): void {
    const labels = ['processor', 'partition'] as const
    const lag = this.#gauge('grantline_consumer_lag_messages', 'Messages of its input that a task has not processed yet.', labels)
    const time = this.#gauge('grantline_task_time_seconds', 'The time that a task works at: the largest tick it processed, before the first the time of its first message, Unix time.', labels)
    const running = this.#gauge('grantline_task_up', '1 while the task runs without trouble, 0 while it retries or after it failed.', labels)
    const lagging = this.#gauge('grantline_task_lagging', '1 while an edit or a run that concerns many is still being derived for some of them.', labels)
    const records = this.#count('grantline_task_records_total', 'Records that this process processed, ticks included.', labels)
    const letters = this.#count('grantline_task_dead_letters_total', 'Records that this process put aside as dead letters.', labels)
    this.#collect([lag, time, running, lagging, records, letters], async () => {
      for (const task of await progress()) {
        const of = { processor: task.processor, partition: String(task.partition) }
        lag.set(of, Math.max(0, task.end - task.offset))
        time.set(of, task.now / 1_000)
        running.set(of, task.running && task.trouble === null ? 1 : 0)
        lagging.set(of, task.lagging ? 1 : 0)
        records.inc(of, task.records)
        letters.inc(of, task.deadLetters)
      }
    })
  }

  #watchTables(summary: () => Promise<Summary>): void {
    const findings = this.#gauge('grantline_open_findings', 'Findings that are open now.', ['kind', 'severity'])
    const gap = this.#gauge('grantline_reconciliation_gap', `Open findings that say that granted and intended access differ: ${gapKinds.join(', ')}.`, [])
    const grants = this.#gauge('grantline_grants', 'Grants that are held now, by verdict.', ['app', 'verdict'])
    const letters = this.#gauge('grantline_open_dead_letters', 'Dead letters that nobody has decided about.', ['source', 'stage'])
    const complete = this.#gauge('grantline_last_complete_snapshot_timestamp_seconds', 'When the last complete snapshot of a source ended, Unix time; 0: never.', ['source'])
    const lag = this.#gauge('grantline_change_lag_seconds', 'Within which 95 % of the desired changes were seen done.', ['app', 'direction'])
    const unresolved = this.#gauge('grantline_unresolved_names', 'Names of people and roles (by feed) and accounts (by application) in the newest run that are nowhere to be found.', ['source'])
    const unknown = this.#gauge('grantline_feed_unknown_app_rows', 'Rows of a feed’s last read that name an application which the config file never had; a row that names several counts for each.', ['source'])
    const paused = this.#gauge('grantline_source_paused', '1 where the config file no longer has a source and nobody retired it: what was read of it is told on, and nobody reads it.', ['source'])
    const asked = this.#gauge('grantline_tables_timestamp_seconds', 'As of when the figures from the tables are, Unix time: counting millions of grants takes seconds, and scrapes are often.', [])
    const figures = seldom(async () => ({ at: Date.now(), now: await summary() }))
    this.#collect([findings, gap, grants, letters, complete, lag, unresolved, unknown, paused, asked], async () => {
      const { at, now } = await figures()
      asked.set(at / 1_000)
      for (const { kind, severity, open } of now.findings) findings.set({ kind, severity }, open)
      gap.set(now.findings.filter(({ kind }) => gapKinds.includes(kind)).reduce((sum, { open }) => sum + open, 0))
      for (const { app, verdict, grants: held } of now.grants) grants.set({ app, verdict }, held)
      for (const { source, stage, letters: open } of now.deadLetters) letters.set({ source, stage }, open)
      const retired = new Set(now.sources.filter(({ state }) => state === 'retired').map(({ source }) => source))
      for (const { app, direction, p95Ms } of now.lags) if (!retired.has(app)) lag.set({ app, direction }, p95Ms / 1_000)
      for (const { source, state, lastComplete, unresolved: names, unknownApps } of now.sources) {
        if (state === 'retired') continue
        complete.set({ source }, (lastComplete ?? 0) / 1_000)
        paused.set({ source }, state === 'paused' ? 1 : 0)
        if (state === 'paused') continue // no run will tell anew what it names in vain
        unresolved.set({ source }, names)
        unknown.set({ source }, unknownApps.reduce((sum, { rows }) => sum + rows, 0))
      }
    })
  }

  /** At every scrape `fill` is asked anew, so that what is gone leaves no line behind. */
  #collect(gauges: readonly { reset(): void }[], fill: () => Promise<void>): void {
    this.#fills.push(async () => {
      for (const gauge of gauges) gauge.reset()
      await fill()
    })
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] })
  }

  #count<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #histogram<L extends string>(name: string, help: string, label: L): Histogram<L> {
    return new Histogram({ name, help, labelNames: [label], buckets, registers: [this.#registry] })
  }

  #counters() {
    return {
      runs: this.#count('grantline_runs_total', 'Reads of a source that ended, by what they prove.', ['source', 'verdict']),
      pages: this.#count('grantline_source_pages_total', 'Pages read from a source.', ['source']),
      records: this.#count('grantline_source_records_total', 'Records read from a source.', ['source', 'class']),
      rejected: this.#count('grantline_source_rejected_total', 'Records of a source that could not be mapped.', ['source', 'class']),
      gap: this.#gauge('grantline_source_gap', 'Objects that a source counts and that its last run did not read; below 0: it counts fewer than it gave.', ['source']),
      retries: this.#count('grantline_source_retries_total', 'Requests to a source that are sent again.', ['source']),
      schema: this.#count('grantline_source_schema_changes_total', 'Fields of a source’s rows that vanished, appeared or changed type between runs.', ['source']),
      retryWaits: this.#count('grantline_retry_wait_seconds_total', 'Time spent waiting before a request that failed was sent again.', ['source']),
      requests: this.#count('grantline_source_requests_total', 'Requests to a source with all their attempts, by how they ended.', ['source', 'outcome']),
      requestSeconds: this.#histogram('grantline_source_request_duration_seconds', 'How long a request took, attempts and waits included.', 'source'),
      refused: this.#count('grantline_source_refused_total', 'Attempts that a source refused as too many.', ['source']),
      throttled: this.#count('grantline_throttle_wait_seconds_total', 'Time that requests waited for leave to be sent.', ['source']),
      writes: this.#count('grantline_writes_total', 'Corrections written to an application, by what came of them.', ['source', 'verdict']),
      rereads: this.#count('grantline_rereads_total', 'Accounts read again singly.', ['source']),
      deliveries: this.#count('grantline_webhook_deliveries_total', 'Webhooks that were taken, each once however often it came.', ['source']),
      lastDelivery: this.#gauge('grantline_webhook_last_delivery_timestamp_seconds', 'When the last webhook of a source came, Unix time.', ['source']),
      silent: this.#gauge('grantline_webhook_silent', '1 while webhooks of a source stay away for longer than is expected.', ['source']),
      missing: this.#gauge('grantline_webhook_missing', 'Numbers of the sequence of a source’s webhooks that did not come yet.', ['source']),
      problems: this.#count('grantline_source_problems_total', 'Times that the work on a source failed and is tried again.', ['source']),
      transactions: this.#count('grantline_transactions_total', 'Transactions by how they ended.', ['writer', 'outcome']),
      transactionSeconds: this.#histogram('grantline_transaction_duration_seconds', 'How long a transaction took to commit.', 'writer'),
      restored: this.#gauge('grantline_restored_rows', 'Rows of state read back from a changelog, by the restore that runs or ran last.', ['task']),
      restoreLeft: this.#gauge('grantline_restore_left_messages', 'Messages of a changelog that a restore has still to read.', ['task']),
      standbyLag: this.#gauge('grantline_standby_lag_messages', 'Messages of a changelog that the local copy of another process’s state has still to take over.', ['task']),
      sinkRows: this.#count('grantline_sink_rows_total', 'Rows inserted into the tables.', ['topic']),
      sinkRetries: this.#count('grantline_sink_retries_total', 'Inserts whose outcome was not known or that failed: read back and tried again.', ['topic']),
      sinkUnreadable: this.#count('grantline_sink_unreadable_total', 'Messages that could not be read and became dead letters.', ['topic']),
      scrapeFailures: this.#count('grantline_scrape_failures_total', 'Groups of gauges that could not be asked for at a scrape.', []),
    }
  }
}

/** `task/normalise/3` -> normalise, `publisher/app/billing` -> app: there must not be a label for each partition or process. */
const writerOf = (id: string): string => id.split('/')[1] ?? id
