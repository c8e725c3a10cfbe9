import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseConfig } from '../../src/config/load.ts'
import type { Api } from '../../src/http/api.ts'
import { Callers } from '../../src/http/callers.ts'
import { cutHeader } from '../../src/http/cut-header.ts'
import { lettersHeader } from '../../src/http/letters-header.ts'
import { pausedHeader } from '../../src/http/paused-header.ts'
import { createApp } from '../../src/http/server.ts'
import { unknownHeader } from '../../src/http/unknown-header.ts'
import { unprovenHeader } from '../../src/http/unproven-header.ts'
import { accessChanges } from '../../src/reports/access-changes.ts'
import { accessHistory } from '../../src/reports/access-history.ts'
import { access } from '../../src/reports/access.ts'
import { actions, plan } from '../../src/reports/actions.ts'
import { reports } from '../../src/reports/catalogue.ts'
import { deadLetters } from '../../src/reports/dead-letters.ts'
import { findings } from '../../src/reports/findings.ts'
import { lag } from '../../src/reports/lag.ts'
import { syncRuns } from '../../src/reports/sync-runs.ts'

/** What docs/http.md says there is, is there, and nothing else. */
const text = readFileSync(fileURLToPath(new URL('../../docs/http.md', import.meta.url)), 'utf8')
const rowsOf = (heading: string): string[][] => {
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  const lines = section.split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('| '))
  return lines.map((line) => line.split(/(?<!\\)\|/u).slice(1, -1).map((cell) => cell.trim()))
}
const coded = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/gu)].map(([, code]) => code!)

const noHealth = { stalled: () => Promise.resolve([]), troubles: () => Promise.resolve([]), metrics: () => Promise.reject(new Error('none')) }
const app = createApp({ api: {} as Api, callers: new Callers('own'), health: noHealth, onFailed: () => undefined })

describe('docs/http.md', () => {
  it('has every route of the server', () => {
    const told = rowsOf('What there is').flatMap(([request]) => coded(request!)).filter((one) => /^(GET|POST) /u.test(one))
    const there = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path.replace(/:\w+/gu, '<>')}`)
    expect(told.map((one) => one.replace(/<\w+>/gu, '<>')).sort()).toEqual([...new Set(there)].sort())
  })

  it('has every report with its filters', () => {
    const told = rowsOf('Reports').filter(([, , filters]) => filters !== undefined && coded(filters).length > 0)
    expect(told.map(([name]) => coded(name!)[0]).sort()).toEqual(reports.map(({ name }) => name).sort())
    const filtersOf = Object.fromEntries([findings, access, accessHistory, accessChanges, lag, syncRuns, deadLetters, actions, plan]
      .map(({ name, filters }) => [name, Object.keys(z.toJSONSchema(filters, { io: 'input' }).properties ?? {}).sort()]))
    expect(Object.fromEntries(told.map(([name, , filters]) => [coded(name!)[0], [...coded(filters!), 'limit'].sort()]))).toEqual(filtersOf)
  })

  it('has every header that says that an answer is not the whole truth', () => {
    const told = rowsOf('Reports').flatMap(([header]) => coded(header!)).filter((one) => one.startsWith('Grantline-'))
    expect(told.map((one) => one.split(':')[0]!.toLowerCase()).sort()).toEqual([cutHeader, lettersHeader, pausedHeader, unknownHeader, unprovenHeader].map((one) => one.toLowerCase()).sort())
  })

  it('shows a config file that is one', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]+?)```/u.exec(text) ?? []
    const { http } = parseConfig(`${yaml}feeds: { people: { class: identities, format: csv } }\n`, 'docs/http.md')
    expect(Object.keys(http.tokens)).toEqual(['auditors', 'hr-system', 'service-desk'])
  })
})
