import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldRuns, foldsAlike } from '../../schemas/generate-folding.ts'
import { canonicalId, foldKey } from '../../src/core/canonical-id.ts'
import { FOLD_TABLE_UNICODE, foldTable } from '../../src/core/fold-table.ts'

const fold = (text: string): string => canonicalId('fold', text)

describe('canonicalId', () => {
  it('exact: keeps every code unit', () => {
    for (const id of ['', 'Ada', ' a ', 'e\u0301', '\ud800', 'İ']) expect(canonicalId('exact', id)).toBe(id)
  })

  it.each([
    ['ASCII', 'ADA.Lovelace@EXAMPLE.com', 'ada.lovelace@example.com'],
    ['nothing to fold', 'user-42_é', 'user-42_é'],
    ['Latin', 'ÄÖÜ Ÿ Ž', 'äöü ÿ ž'],
    ['dotless i stays apart from i', 'ı', 'ı'],
    ['dotted capital I has no simple folding', 'İ', 'İ'],
    ['capital I becomes i in every language', 'I', 'i'],
    ['sharp s is not ss', 'STRAẞE straße', 'straße straße'],
    ['final sigma is sigma', 'ΌΔΟΣ όδος', 'όδοσ όδοσ'],
    ['Kelvin sign', '\u212a', 'k'],
    ['Ångström sign', '\u212b', 'å'],
    ['Ohm sign', '\u2126', 'ω'],
    ['long s', 'ſ', 's'],
    ['micro sign is Greek mu', '\u00b5', '\u03bc'],
    ['Cherokee folds to its upper case', '\uab70\u13f8', '\u13a0\u13f0'],
    ['ligature st has two spellings', '\ufb05', '\ufb06'],
    ['beyond U+FFFF', '\u{10400}\u{1e900}', '\u{10428}\u{1e922}'],
    ['half of a surrogate pair is left alone', 'A\ud800B', 'a\ud800b'],
  ])('fold: %s', (_name, native, key) => {
    expect(fold(native)).toBe(key)
  })

  it('fold: keeps the number of code points, and folding again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        const key = fold(id)
        expect(Array.from(key)).toHaveLength(Array.from(id).length)
        expect(fold(key)).toBe(key)
      }),
    )
  })

  it('fold: does not compose, nfc does not fold', () => {
    expect(fold('E\u0301')).toBe('e\u0301')
    expect(canonicalId('nfc', 'E\u0301')).toBe('É')
    expect(canonicalId('nfc', 'É')).toBe('É')
    expect(canonicalId('nfc', '\u212b')).toBe('Å')
  })
})

describe('foldKey', () => {
  it.each([
    ['  Ada@Example.COM\t\r\n', 'ada@example.com'],
    ['a b', 'a b'],
    ['\u00a0a\u2003', '\u00a0a\u2003'],
    [' \v\f ', ''],
    ['', ''],
  ])('%j is %j', (text, key) => {
    expect(foldKey(text)).toBe(key)
  })
})

describe('fold table', () => {
  it('folds only what this runtime too holds to be equal: Unicode never changes a folding', () => {
    for (const [first, last, step, delta] of foldTable) {
      for (let codePoint = first; codePoint <= last; codePoint += step) {
        expect(foldsAlike(String.fromCodePoint(codePoint), String.fromCodePoint(codePoint + delta)), codePoint.toString(16)).toBe(true)
      }
    }
  })

  it(`is complete for Unicode ${FOLD_TABLE_UNICODE}`, () => {
    const runtime = process.versions['unicode']
    const runs = foldRuns()
    if (runtime === FOLD_TABLE_UNICODE) expect(foldTable).toEqual(runs)
    // an older or newer runtime knows fewer or more pairs, but those both know agree
    const here = new Map(runs.flatMap(expand))
    const differ = foldTable.flatMap(expand).filter(([from, to]) => here.has(from) && here.get(from) !== to)
    expect(differ).toEqual([])
  })
})

function expand([first, last, step, delta]: readonly [number, number, number, number]): [number, number][] {
  const pairs: [number, number][] = []
  for (let codePoint = first; codePoint <= last; codePoint += step) pairs.push([codePoint, codePoint + delta])
  return pairs
}
