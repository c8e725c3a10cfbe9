import { describe, expect, it } from 'vitest'
import { inVainLines } from '../../src/cli/in-vain.ts'
import type { Summary } from '../../src/reports/summary.ts'

type Source = Summary['sources'][number]
const source = (name: string, more: Partial<Source> = {}): Source => ({ source: name, state: 'active', lastRun: 1, lastVerdict: 'complete', lastComplete: 1, unknownApps: [], unresolved: 0, unresolvedSome: [], ...more })

describe('what is named in vain', () => {
  it('is told of applications and feeds that the config file has', () => {
    const named = { unresolved: 2, unresolvedSome: ['role/x'] }
    const unknown = { unknownApps: [{ app: 'sohp', rows: 2, near: 'shop' }] }
    expect(inVainLines([source('desk', { ...named, ...unknown }), source('left', { ...named, ...unknown }), source('shop', named), source('wiki')], ['shop', 'wiki'], ['desk'])).toEqual([
      '! desk: unknown application: 2 rows name "sohp" (did you mean "shop"?)',
      '  such rows are kept and have no effect: mend the name where the feed is made, or add the application to the config file',
      '! desk: 2 names are nowhere to be found: role/x, …; what names them has no effect until they come',
      '! shop: 2 names are nowhere to be found: role/x, …; what names them has no effect until they come',
    ])
  })

  it('steers no terminal, forges no line and fills no screen', () => {
    const names = ['identity/a\u001b[2J\nb', 'identity/\u202ec', `identity/${'d'.repeat(10_000)}`]
    const lines = inVainLines([source('desk', { unresolved: 3, unresolvedSome: names, unknownApps: [{ app: 'x\u202ey\u2028', rows: 1, near: null }] })], [], ['desk'])
    expect(lines.join('')).not.toMatch(/[\p{Control}\u2028\u202e]/u)
    expect(lines[2]).toContain('nowhere to be found: identity/a�[2J�b, identity/�c, identity/dddd')
    expect(lines[2]!.length).toBeLessThan(300)
  })
})
