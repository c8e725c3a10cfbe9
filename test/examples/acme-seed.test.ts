import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareAcme } from '../../examples/acme/prepare.ts'
import { shiftDates } from '../../examples/acme/world/dates.ts'
import { seedFiles } from '../../examples/acme/world/seed.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-acme-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('the seed of examples/acme', () => {
  it('is what world/seed.ts writes', () => {
    for (const [name, text] of seedFiles()) expect(readFileSync(new URL(`../../examples/acme/seed/${name}`, import.meta.url), 'utf8'), name).toBe(text)
  })

  it('has the size that the README promises', () => {
    const lines = (name: string): string[] => seedFiles().get(name)!.trim().split('\n').slice(1)
    expect(lines('hr/identities.csv').length).toBeGreaterThanOrEqual(2_000)
    expect(new Set(lines('governance/business-roles.csv').map((line) => line.split(',')[0])).size).toBeGreaterThanOrEqual(5)
    expect(lines('answers.csv').length).toBeGreaterThanOrEqual(20)
    expect(new Set(lines('answers.csv').map((line) => line.split(',')[0])).size).toBeGreaterThanOrEqual(8)
  })
})

describe('preparing examples/acme', () => {
  it('moves dates to today and fills the billing engine’s tables', () => {
    expect(prepareAcme(directory, Date.parse('2027-03-05T10:00:00Z'))).toBe(true)
    const db = new DatabaseSync(join(directory, 'billing', 'billing.db'))
    const key = db.prepare('SELECT created_at FROM api_keys WHERE key_id = ?').get('key-0') as { created_at: string }
    expect(key.created_at).toBe('2026-12-05')
    expect((db.prepare('SELECT count(*) AS n FROM users').get() as { n: number }).n).toBeGreaterThan(600)
    db.close()
    expect(existsSync(join(directory, 'portal', 'portal.json'))).toBe(true)
  })

  it('leaves a company that exists as it is', () => {
    prepareAcme(directory, Date.parse('2027-03-05T10:00:00Z'))
    expect(prepareAcme(directory, Date.parse('2028-01-01T00:00:00Z'))).toBe(false)
    expect(readFileSync(join(directory, 'prepared.json'), 'utf8')).toContain('2027-03-05')
  })

  it('shifts across leap days and leaves other numbers alone', () => {
    expect(shiftDates('2024-02-28,1234-5678,v2', 2)).toBe('2024-03-01,1234-5678,v2')
  })
})
