import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { Spool, type SpoolRow } from '../../src/connect/spool.ts'
import { compareKeys } from '../../src/core/order.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-spool-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const row = (object: string, content = '', stream = 0, family = 'f'): SpoolRow => ({ family, object, native: object, stream, stamp: 1, place: 'p', content })

describe('the spool', () => {
  it('gives back every row, objects in code point order, rows of one in the order they came', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).filter((text) => text.isWellFormed() && !text.includes('\u0000'))
    fc.assert(fc.property(fc.array(fc.tuple(id, fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed() && !text.includes('\u0000')))), (entries) => {
      const spool = new Spool(directory)
      try {
        for (const [object, content] of entries) spool.put(row(object, content))
        const groups = [...spool.objects('f')]
        const objects = groups.map((group) => group[0]!.object)
        expect(objects).toEqual([...new Set(entries.map(([object]) => object))].sort(compareKeys))
        for (const group of groups) {
          expect(group.map(({ content }) => content)).toEqual(entries.filter(([object]) => object === group[0]!.object).map(([, content]) => content))
        }
      } finally {
        spool.close()
      }
    }), { numRuns: 60 })
  })

  it('keeps families apart, stamps exact, and forgets a stream', () => {
    const spool = new Spool(directory)
    const stamp = 1_800_000_000_000_000 + 1
    spool.put({ ...row('a', '1', 0), stamp })
    spool.put(row('a', '2', 1))
    spool.put(row('a', '3', 0, 'other'))
    expect(spool.repeats(0, 'd')).toBe(false)
    expect(spool.repeats(0, 'd')).toBe(true)
    expect(spool.repeats(1, 'd')).toBe(false)
    expect([...spool.objects('f')].map((group) => group.map(({ content, stamp: at }) => [content, at]))).toEqual([[['1', stamp], ['2', 1]]])
    spool.dropStream(0)
    expect([...spool.objects('f')].flat().map(({ content }) => content)).toEqual(['2'])
    expect([...spool.objects('other')]).toEqual([])
    expect(spool.repeats(0, 'd')).toBe(false)
    spool.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('holds the content of many more objects than memory is given for, and hands them out one by one', () => {
    const spool = new Spool(directory)
    const content = 'x'.repeat(1_000)
    for (let at = 0; at < 50_000; at++) spool.put(row(`user-${(at * 7_919) % 50_000}`, content))
    let objects = 0
    let last = ''
    for (const group of spool.objects('f')) {
      expect(compareKeys(last, group[0]!.object)).toBeLessThan(0)
      last = group[0]!.object
      objects += 1
    }
    expect(objects).toBe(50_000)
    spool.close()
  })
})
