import { describe, expect, it } from 'vitest'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { measuredLog, type MeasuredCommit } from '../../src/observe/measured-log.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { FencedError } from '../../src/ports/log.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { filledMetrics, progress, summary } from './filled-metrics.ts'

/** Lines of the exposition that are ours, without help and type. */
const lines = async (metrics: Metrics): Promise<string[]> => (await metrics.text()).split('\n').filter((line) => line.startsWith('grantline_'))

describe('metrics', () => {
  it('tell of runs, pages, records, retries and waits as events come', async () => {
    const text = await lines(filledMetrics())
    for (const line of [
      'grantline_build_info{release="1.2.3"} 1',
      'grantline_runs_total{source="billing",verdict="complete"} 2',
      'grantline_source_pages_total{source="billing"} 24',
      'grantline_source_records_total{source="billing",class="accounts"} 2000',
      'grantline_source_rejected_total{source="billing",class="accounts"} 14',
      'grantline_source_gap{source="billing"} 4',
      'grantline_source_retries_total{source="billing"} 1',
      'grantline_retry_wait_seconds_total{source="billing"} 1.5',
      'grantline_source_requests_total{source="billing",outcome="ok"} 1',
      'grantline_source_request_duration_seconds_bucket{le="2.5",source="billing"} 1',
      'grantline_source_refused_total{source="billing"} 2',
      'grantline_throttle_wait_seconds_total{source="billing"} 0.25',
      'grantline_writes_total{source="billing",verdict="applied"} 1',
      'grantline_sink_rows_total{topic="access"} 30',
      'grantline_transactions_total{writer="normalise",outcome="committed"} 1',
      'grantline_transactions_total{writer="app",outcome="fenced"} 1',
      'grantline_transaction_duration_seconds_bucket{le="0.025",writer="normalise"} 1',
      'grantline_restored_rows{task="task/normalise/3"} 50',
      'grantline_restore_left_messages{task="task/normalise/3"} 40',
      'grantline_standby_lag_messages{task="task/normalise/2"} 15',
    ]) expect(text).toContain(line)
    expect(text.filter((line) => line.includes('5d1c'))).toEqual([])
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
      'grantline_task_lagging{processor="normalise",partition="1"} 1',
      'grantline_task_records_total{processor="normalise",partition="1"} 42',
      'grantline_task_dead_letters_total{processor="normalise",partition="1"} 2',
      'grantline_open_findings{kind="missing-grant",severity="high"} 3',
      'grantline_reconciliation_gap 4',
      'grantline_grants{app="billing",verdict="matched"} 70',
      'grantline_change_lag_seconds{app="billing",direction="revoke"} 90.5',
      'grantline_open_dead_letters{source="billing",stage="map"} 2',
      'grantline_last_complete_snapshot_timestamp_seconds{source="billing"} 1700000100',
      'grantline_last_complete_snapshot_timestamp_seconds{source="hr"} 0',
      'grantline_feed_unknown_app_rows{source="billing"} 5',
      'grantline_unresolved_names{source="billing"} 3',
      'grantline_unresolved_names{source="hr"} 0',
    ]) expect(text).toContain(line)
    tasks = []
    expect((await lines(metrics)).filter((line) => line.includes('processor="normalise"'))).toEqual([])
  })

  it('say that a source is paused and how old what is known of it is, not what it named in vain, and nothing of one that is retired', async () => {
    const text = await lines(filledMetrics())
    expect(text.filter((line) => line.includes('"left"'))).toEqual(['grantline_last_complete_snapshot_timestamp_seconds{source="left"} 1700000100', 'grantline_source_paused{source="left"} 1'])
    expect(text).toContain('grantline_source_paused{source="billing"} 0')
    expect(text.filter((line) => line.includes('"sold"'))).toEqual([])
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

  it('no longer call a task a standby once it is restored here', async () => {
    const metrics = filledMetrics()
    metrics.onRestore({ task: 'task/normalise/2', offset: 75, end: 75, rows: 1 })
    expect((await lines(metrics)).filter((line) => line.startsWith('grantline_standby_lag_messages'))).toEqual([])
  })

  it('keep to the naming of Prometheus', async () => {
    const types = (await filledMetrics().text()).matchAll(/^# TYPE (grantline_\S+) (\S+)$/gm)
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
