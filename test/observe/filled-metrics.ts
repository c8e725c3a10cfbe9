import type { ConnectEvent } from '../../src/connect/events.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import type { Summary } from '../../src/reports/summary.ts'
import type { PipelineProgress } from '../../src/runtime/pipeline.ts'

export const progress: PipelineProgress = {
  task: 'task/normalise/1', processor: 'normalise', topic: 'raw', partition: 1, offset: 5, index: 0, end: 9, now: 1_700_000_000_000, records: 42, deadLetters: 2, commits: 3,
  clockRefused: false, lagging: true, retries: 0, trouble: null, running: true,
}

export const summary: Summary = {
  findings: [
    { kind: 'missing-grant', severity: 'high', open: 3 }, { kind: 'missing-grant', severity: 'low', open: 1 },
    { kind: 'dormant-account', severity: 'low', open: 8 },
  ],
  grants: [{ app: 'billing', verdict: 'matched', grants: 70, accounts: 9 }],
  sources: [
    { source: 'billing', state: 'active', lastRun: 4, lastVerdict: 'complete', lastComplete: 1_700_000_100_000, unknownApps: [{ app: 'sohp', rows: 3, near: 'shop' }, { app: null, rows: 2, near: null }], unresolved: 3, unresolvedSome: ['identity/P99'] },
    { source: 'sold', state: 'retired', lastRun: 9, lastVerdict: 'complete', lastComplete: 1_700_000_100_000, unknownApps: [], unresolved: 0, unresolvedSome: [] },
    { source: 'left', state: 'paused', lastRun: 9, lastVerdict: 'complete', lastComplete: 1_700_000_100_000, unknownApps: [{ app: 'sohp', rows: 3, near: 'shop' }], unresolved: 3, unresolvedSome: ['identity/P99'] },
    { source: 'hr', state: 'active', lastRun: 1, lastVerdict: 'partial', lastComplete: null, unknownApps: [], unresolved: 0, unresolvedSome: [] },
  ],
  lags: [{ app: 'billing', direction: 'revoke', p95Ms: 90_500 }, { app: 'sold', direction: 'revoke', p95Ms: 1 }],
  deadLetters: [{ source: 'billing', stage: 'map', letters: 2 }],
}

const run: ConnectEvent = {
  event: 'run', source: 'billing', nextInMs: 1,
  result: {
    run: 4, verdict: 'complete', reason: null, place: null, error: null, pages: 12, shapeChanges: [], unknownApps: null,
    classes: [{ class: 'accounts', verdict: 'complete', reason: null, place: null, read: 1_000, declared: 1_004, rejected: 7, counts: [1_000] }],
  },
}

/** Metrics that have seen one of everything: each has a sample. */
export function filledMetrics(): Metrics {
  const metrics = new Metrics('1.2.3')
  metrics.onConnect(run)
  metrics.onConnect(run)
  metrics.onConnect({ event: 'wait', source: 'billing', wait: { place: '/users', reason: '429', attempt: 1, waitMs: 1_500 } })
  metrics.onConnect({ event: 'request', source: 'billing', report: { outcome: 'ok', attempts: 3, refused: 2, throttledMs: 250, tookMs: 1_900 } })
  metrics.onConnect({ event: 'reread', source: 'billing', accounts: 5 })
  metrics.onConnect({ event: 'deliveries', source: 'billing', taken: 6, lastAt: 1_700_000_000_000, silent: true, missing: 2 })
  metrics.onConnect({ event: 'write', source: 'billing', account: 'ann', verdict: 'applied', reason: null })
  metrics.onConnect({ event: 'problem', source: 'billing', doing: 'working', reason: 'down', nextInMs: 1 })
  metrics.onSink({ event: 'inserted', topic: 'access', partition: 0, rows: 30, offset: 3 })
  metrics.onSink({ event: 'failed', topic: 'access', partition: 0, error: new Error('lost'), attempt: 1, retryMs: 1 })
  metrics.onSink({ event: 'unreadable', topic: 'access', partition: 0, offset: 1, index: 0 })
  metrics.onCommit({ id: 'task/normalise/3', outcome: 'committed', ms: 20 })
  metrics.onCommit({ id: 'publisher/app/billing', outcome: 'fenced', ms: 20 })
  metrics.onRestore({ task: 'task/normalise/3', offset: 60, end: 100, rows: 50 })
  metrics.onRestore({ task: 'publisher/api/5d1c', offset: 1, end: 1, rows: 1 })
  metrics.onStandby({ task: 'task/normalise/2', offset: 60, end: 75 })
  metrics.watch({ progress: async () => [progress], summary: async () => summary })
  return metrics
}
