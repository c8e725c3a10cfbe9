import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Metrics } from '../../src/observe/metrics.ts'
import type { Summary } from '../../src/reports/summary.ts'

/** What docs/operations.md says of metrics. */
const text = readFileSync(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8')

describe('docs/operations.md', () => {
  it('has every metric that a process exposes, and alerts on none that it does not', async () => {
    const metrics = new Metrics('test')
    const nothing: Summary = { findings: [], grants: [], sources: [], lags: [], deadLetters: [] }
    metrics.watch({ progress: () => Promise.resolve([]), summary: () => Promise.resolve(nothing) })
    const exposed = [...(await metrics.text()).matchAll(/^# TYPE (grantline_\w+) /gmu)].map(([, name]) => name!)
    const [, after = ''] = text.split('\nEverything that is exposed:\n')
    const [section = ''] = after.split('\n## ')
    const listed = [...section.matchAll(/`(grantline_\w+)`/gu)].map(([, name]) => name!)
    expect([...listed].sort()).toEqual([...exposed].sort())
    const named = [...text.matchAll(/grantline_\w+/gu)].map(([name]) => name)
    expect(named.filter((name) => !exposed.includes(name))).toEqual([])
  })
})
