import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPages, formatRows, type Format } from '../../src/reports/format.ts'
import type { ReportColumn } from '../../src/reports/report.ts'
import { fit, textWidth } from '../../src/reports/text-width.ts'

interface Sample {
  name: string | null
  count: number
  at: number | null
  took: number | null
  paths: string[][]
}
const columns: ReportColumn<Sample>[] = [
  { key: 'name', title: 'who', kind: 'text' }, { key: 'count', title: 'n', kind: 'number' }, { key: 'at', title: 'when', kind: 'time' },
  { key: 'took', title: 'took', kind: 'duration' }, { key: 'paths', title: 'by way of', kind: 'list' },
]
const row = (change: Partial<Sample> = {}): Sample => ({ name: 'ann', count: 7, at: Date.UTC(2026, 0, 2, 3, 4, 5, 678), took: 1_500, paths: [[], ['role:a', 'role:b']], ...change })
const table = (rows: Sample[], width = 200): string[] => formatRows('table', columns, rows, width).split('\n').slice(0, -1)

describe('table', () => {
  it('aligns columns, numbers to the right', () => {
    expect(table([row(), row({ name: null, count: 1_234, at: null, took: null, paths: [] })])).toEqual([
      'who     n  when                   took  by way of',
      'ann     7  2026-01-02 03:04:05Z  1.5 s  direct; role:a > role:b',
      '-    1234  -                         -',
    ])
  })

  it('says that there is nothing', () => {
    expect(table([])).toEqual(['nothing found'])
  })

  it('writes durations in the largest fitting unit', () => {
    const took = (value: number): string => table([row({ took: value, name: 'x' })])[1]!.replace(/.*Z +/, '').replace(/ {2}.*/, '')
    expect([0, 999, 61_000, 7_200_000, 86_400_000 * 3.25].map(took)).toEqual(['0 ms', '999 ms', '1 min', '2 h', '3.3 d'])
  })

  it('keeps a time that no date can hold', () => {
    expect(table([row({ at: Number.MAX_SAFE_INTEGER })])[1]).toContain('9007199254740991')
  })

  it('fits the terminal as long as columns stay readable', () => {
    const lines = table([row({ name: 'n'.repeat(80), paths: [['role:' + 'p'.repeat(80)]] })], 72)
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(72)
    expect(lines[1]).toContain('…')
  })

  it('lets no name steer the terminal or the line', () => {
    const out = formatRows('table', columns, [row({ name: 'a\u001b[31mb\nc\u202ed\u0007' })], 200)
    expect(out.split('\n')).toHaveLength(3)
    expect(out).toContain('a\ufffd[31mb\ufffdc\ufffdd\ufffd')
  })

  it('counts wide and combining characters by what they take', () => {
    expect([textWidth('abc'), textWidth('日本'), textWidth('e\u0301'), textWidth('😀')]).toEqual([3, 4, 1, 2])
    expect([fit('日本語', 5), fit('日本語', 4), fit('日本語', 6), fit('abcd', 3)]).toEqual(['日本…', '日…', '日本語', 'ab…'])
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => textWidth(fit(text, width)) <= width))
  })
})

describe('csv', () => {
  it('has field names, ISO times, plain milliseconds, and CRLF', () => {
    expect(formatRows('csv', columns, [row()], 10)).toBe('name,count,at,took,paths\r\nann,7,2026-01-02T03:04:05.678Z,1500,direct; role:a > role:b\r\n')
  })

  it('leaves empty what is not known', () => {
    expect(formatRows('csv', columns, [row({ name: null, count: 0, at: null, took: null, paths: [] })], 10)).toBe('name,count,at,took,paths\r\n,0,,,\r\n')
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '\0=1', "'=1", '=HYPERLINK("http://x","y")'])('lets no name be a formula: %j', (name) => {
    const [, [cell, , , , list]] = parse(formatRows('csv', columns, [row({ name, paths: [[name]] })], 1), { record_delimiter: '\r\n' }) as [string[], string[]]
    expect([cell, list]).toEqual([`'${name}`, `'${name}`])
  })

  it('leaves numbers and what is no formula as they are', () => {
    expect(formatRows('csv', columns, [row({ name: "o'neil-=+@", count: -7, took: -1, at: -1, paths: [] })], 1).split('\r\n')[1]).toBe("o'neil-=+@,-7,1969-12-31T23:59:59.999Z,-1,")
  })

  it('is read back as it was by an independent reader, whatever the text, without the apostrophe before a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', ',', '\r\n', 'a"b', '""', '=', "'=", "''+", "'", "'a")), { minLength: 1, maxLength: 5 }), (names) => {
        const [, ...lines] = parse(formatRows('csv', columns, names.map((name) => row({ name })), 1), { record_delimiter: '\r\n' })
        expect(lines.map((line) => line[0]!.replace(/^'(?='*[=+\-@\t\r\n\0])/, ''))).toEqual(names)
      }),
    )
  })
})

it('json is the rows', () => {
  expect(JSON.parse(formatRows('json', columns, [row(), row({ name: null })], 1))).toEqual([row(), row({ name: null })])
})

describe('page by page', () => {
  const formats: Format[] = ['table', 'csv', 'json']

  it.each(formats)('%s gives the same text, however the rows are parted', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.record({ count: fc.integer(), name: fc.option(fc.string()) }), { maxLength: 4 }), { maxLength: 4 }), async (changes) => {
        const pages = changes.map((page) => page.map(row))
        let text = ''
        for await (const piece of formatPages(format, columns, each(pages), 80)) text += piece
        expect(text).toBe(formatRows(format, columns, pages.flat(), 80))
      }),
    )
  })

  it.each(formats)('%s lets go of a page before it asks for the next but one', async (format) => {
    const rows = Array.from({ length: 2_500 }, (_, count) => row({ count }))
    let asked = 0
    const pages = async function* (): AsyncGenerator<Sample[]> {
      for (; asked < 20; asked++) yield rows
    }
    const behind: number[] = []
    let told = 0
    for await (const piece of formatPages(format, columns, pages(), 80)) {
      told += piece.split(format === 'json' ? '"count"' : '\n').length - 1
      behind.push((asked + 1) * rows.length - told)
    }
    expect(Math.max(...behind)).toBeLessThanOrEqual(10_000)
    expect(told).toBeGreaterThanOrEqual(20 * rows.length)
  })

  it('makes a table of more rows than a call takes arguments', () => {
    expect(table(Array.from({ length: 200_000 }, () => row()))).toHaveLength(200_001)
  })
})

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
