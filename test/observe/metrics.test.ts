import { describe, expect, it } from 'vitest'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import type { ConnectEvent } from '../../src/connect/events.ts'
import { measuredLog, type MeasuredCommit } from '../../src/observe/measured-log.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { FencedError } from '../../src/ports/log.ts'
import type { Summary } from '../../src/reports/summary.ts'
import type { PipelineProgress } from '../../src/runtime/pipeline.ts'
import { MemoryLog } from '../support/memory-log.ts'

const progress: PipelineProgress = {
  task: 'task/normalise/1', processor: 'normalise', topic: 'raw', partition: 1, offset: 5, index: 0, end: 9, now: 1_700_000_000_000, records: 42, deadLetters: 2, commits: 3,
  clockRefused: false, retries: 0, trouble: null, running: true,
}
const summary: Summary = {
  findings: [
    { kind: 'missing-grant', severity: 'high', open: 3 }, { kind: 'missing-grant', severity: 'low', open: 1 },
    { kind: 'dormant-account', severity: 'low', open: 8 },
  ],
  grants: [{ app: 'billing', verdict: 'matched', grants: 70, accounts: 9 }],
  sources: [
    { source: 'billing', lastRun: 4, lastVerdict: 'complete', lastComplete: 1_700_000_100_000 },
    { source: 'hr', lastRun: 1, lastVerdict: 'partial', lastComplete: null },
  ],
  deadLetters: [{ source: 'billing', stage: 'map', letters: 2 }],
}
const run: ConnectEvent = {
  event: 'run', source: 'billing', nextInMs: 1,
  result: {
    run: 4, verdict: 'complete', reason: null, place: null, error: null, pages: 12, shapeChanges: [],
    classes: [{ class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1_000, declared: null, rejected: 7, counts: [1_000] }],
  },
}
/** Lines of the exposition that are ours, without help and type. */
const lines = async (metrics: Metrics): Promise<string[]> => (await metrics.text()).split('\n').filter((line) => line.startsWith('grantline_'))

describe('metrics', () => {
  it('tell of runs, pages, records, retries and waits as events come', async () => {
    const metrics = new Metrics('1.2.3')
    metrics.onConnect(run)
    metrics.onConnect(run)
    metrics.onConnect({ event: 'wait', source: 'billing', wait: { place: '/users', reason: '429', attempt: 1, waitMs: 1_500 } })
    metrics.onConnect({ event: 'request', source: 'billing', report: { outcome: 'ok', attempts: 2, refused: 1, throttledMs: 1_500, tookMs: 1_600 } })
    metrics.onSink({ event: 'inserted', topic: 'access', partition: 0, rows: 30, offset: 3 })
    metrics.onCommit({ id: 'task/normalise/3', outcome: 'committed', ms: 20 })
    metrics.onCommit({ id: 'app/billing', outcome: 'fenced', ms: 20 })
    metrics.onRestore({ task: 'task/normalise/3', offset: 60, end: 100, rows: 50 })
    const text = await lines(metrics)
    for (const line of [
      'grantline_build_info{release="1.2.3"} 1',
      'grantline_runs_total{source="billing",verdict="complete"} 2',
      'grantline_source_pages_total{source="billing"} 24',
      'grantline_source_records_total{source="billing",class="accounts"} 2000',
      'grantline_source_rejected_total{source="billing",class="accounts"} 14',
      'grantline_source_retries_total{source="billing"} 1',
      'grantline_throttle_wait_seconds_total{source="billing"} 1.5',
      'grantline_sink_rows_total{topic="access"} 30',
      'grantline_transactions_total{writer="normalise",outcome="committed"} 1',
      'grantline_transactions_total{writer="app",outcome="fenced"} 1',
      'grantline_transaction_duration_seconds_bucket{le="0.025",writer="normalise"} 1',
      'grantline_restored_rows{task="task/normalise/3"} 50',
      'grantline_restore_left_messages{task="task/normalise/3"} 40',
    ]) expect(text).toContain(line)
  })

  it('ask for the rest at every scrape, and keep no line of what is gone', async () => {
    const metrics = new Metrics('1')
    let tasks = [progress]
    metrics.watch({ progress: async () => tasks, summary: async () => summary })
    const text = await lines(metrics)
    for (const line of [
      'grantline_consumer_lag_messages{processor="normalise",partition="1"} 4',
      'grantline_task_time_seconds{processor="normalise",partition="1"} 1700000000',
      'grantline_task_up{processor="normalise",partition="1"} 1',
      'grantline_task_records_total{processor="normalise",partition="1"} 42',
      'grantline_task_dead_letters_total{processor="normalise",partition="1"} 2',
      'grantline_open_findings{kind="missing-grant",severity="high"} 3',
      'grantline_reconciliation_gap 4',
      'grantline_grants{app="billing",verdict="matched"} 70',
      'grantline_open_dead_letters{source="billing",stage="map"} 2',
      'grantline_last_complete_snapshot_timestamp_seconds{source="billing"} 1700000100',
      'grantline_last_complete_snapshot_timestamp_seconds{source="hr"} 0',
    ]) expect(text).toContain(line)
    tasks = []
    expect((await lines(metrics)).filter((line) => line.includes('processor="normalise"'))).toEqual([])
  })

  it('still answer where the tables do not, and count it', async () => {
    const metrics = new Metrics('1')
    metrics.watch({ progress: async () => [progress], summary: async () => Promise.reject(new Error('down')) })
    await lines(metrics)
    const text = await lines(metrics)
    expect(text).toContain('grantline_consumer_lag_messages{processor="normalise",partition="1"} 4')
    expect(text).toContain('grantline_scrape_failures_total 2')
    expect(text.filter((line) => line.startsWith('grantline_open_findings'))).toEqual([])
  })

  it('keep to the naming of Prometheus', async () => {
    const metrics = new Metrics('1')
    metrics.watch({ progress: async () => [progress], summary: async () => summary })
    const types = (await metrics.text()).matchAll(/^# TYPE (grantline_\S+) (\S+)$/gm)
    let seen = 0
    for (const [, name = '', type] of types) {
      seen++
      expect([name, /^grantline_[a-z_]+$/.test(name)]).toEqual([name, true])
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      expect([name, /_(ms|millis|kb|percent)\b/.test(name)]).toEqual([name, false])
    }
    expect(seen).toBeGreaterThan(20)
  })
})

describe('the measured log', () => {
  it('tells how each transaction ended and how long it took, and changes nothing', async () => {
    const commits: MeasuredCommit[] = []
    const log = measuredLog(new MemoryLog(Object.fromEntries(topicNames.map((topic) => [topic, 1])) as Record<Topic, number>), (commit) => commits.push(commit))
    const first = await log.openTask('task/normalise/0')
    await first.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 1, value: Uint8Array.of(1) }], state: new Map([['a/b', Uint8Array.of(2)]]) })
    const second = await log.openTask('task/normalise/0')
    expect(second.state.get('a/b')).toEqual(Uint8Array.of(2))
    await expect(first.commit({ appends: [], state: new Map() })).rejects.toThrow(FencedError)
    expect(commits.map(({ id, outcome }) => [id, outcome])).toEqual([['task/normalise/0', 'committed'], ['task/normalise/0', 'fenced']])
    for (const { ms } of commits) expect(ms).toBeGreaterThanOrEqual(0)
    expect(await log.read('raw', 0, 0, { maxMessages: 9, maxBytes: 9 })).toHaveLength(1)
  })
})
