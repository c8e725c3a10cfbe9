import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ledger, type PageEvidence, type StreamVerdict } from '../../src/connect/ledger.ts'
import type { Stream } from '../../src/ports/connector.ts'

type Proof = Stream['proof']

/** Pages of the given sizes from a source that tells everything: contiguous starts and a stable total. */
function pagesOf(sizes: readonly number[], base = 0): PageEvidence[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let start = base
  return sizes.map((rows, at) => {
    const page = { place: `page ${at}`, rows, rejected: 0, total, start, digest: `d${at}` }
    start += rows
    return page
  })
}

function verdictOf(proof: Proof, pages: readonly PageEvidence[]): StreamVerdict {
  const ledger = new Ledger(proof)
  for (const page of pages) ledger.page(page)
  return ledger.close()
}

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 12 })
const proofs = fc.constantFrom<Proof>('transaction', 'total', 'cursor', 'manifest')

describe('a read without a loss', () => {
  it('is complete under every proof, whatever the page sizes and wherever counting begins', () => {
    fc.assert(fc.property(proofs, sizes, fc.constantFrom(0, 1), (proof, list, base) => {
      expect(verdictOf(proof, pagesOf(list, base))).toMatchObject({ verdict: 'complete', reason: null, place: null, pages: list.length })
    }))
  })

  it('is complete without positions, where the count holds', () => {
    fc.assert(fc.property(sizes, (list) => {
      const pages = pagesOf(list).map((page) => ({ ...page, start: null }))
      expect(verdictOf('total', pages).verdict).toBe('complete')
    }))
  })

  it('counts rejected rows as delivered', () => {
    const [a, b] = pagesOf([3, 3]) as [PageEvidence, PageEvidence]
    expect(verdictOf('total', [{ ...a, rows: 1, rejected: 2 }, b])).toMatchObject({ verdict: 'complete', read: 6 })
  })

  it('ends with an empty page that tells the total again', () => {
    const pages = [...pagesOf([2, 2]), { place: 'end', rows: 0, rejected: 0, total: 4, start: 4, digest: 'e' }]
    expect(verdictOf('total', pages).verdict).toBe('complete')
  })

  it('is complete for a source that has nothing and says so', () => {
    expect(verdictOf('total', [{ place: 'p', rows: 0, rejected: 0, total: 0, start: 0, digest: 'e' }]).verdict).toBe('complete')
    expect(verdictOf('transaction', []).verdict).toBe('complete')
  })
})

describe('no proof', () => {
  it('is unknown, never complete, whatever came', () => {
    fc.assert(fc.property(sizes, (list) => {
      expect(verdictOf('none', pagesOf(list))).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining('no proof') as string })
    }))
  })

  it('is unknown where a total was promised and never came, or no page came at all', () => {
    expect(verdictOf('total', pagesOf([2, 2]).map((page) => ({ ...page, total: null }))).verdict).toBe('unknown')
    expect(verdictOf('cursor', []).verdict).toBe('unknown')
    expect(verdictOf('total', []).verdict).toBe('unknown')
  })
})

describe('any single loss makes the read partial and is named with its place', () => {
  it('a dropped page', () => {
    fc.assert(fc.property(proofs, sizes, fc.nat(), (proof, list, pick) => {
      const at = pick % list.length
      const verdict = verdictOf(proof, pagesOf(list).filter((_, index) => index !== at))
      expect(verdict.verdict).toBe('partial')
      expect(verdict.reason).not.toBe('')
      expect(verdict.place).toMatch(/^page \d+$/)
    }))
  })

  it('a dropped page whose absence the positions hide', () => {
    fc.assert(fc.property(fc.constantFrom<Proof>('total', 'transaction', 'manifest', 'cursor'), sizes, fc.nat(), (proof, list, pick) => {
      const at = pick % list.length
      const whole = pagesOf(list)
      let start = 0
      const pages = whole.filter((_, index) => index !== at).map((page) => {
        const moved = { ...page, start }
        start += page.rows
        return moved
      })
      expect(verdictOf(proof, pages).verdict).toBe('partial')
    }))
  })

  it('a shortened page', () => {
    fc.assert(fc.property(proofs, sizes, fc.nat(), (proof, list, pick) => {
      const at = pick % list.length
      const pages = pagesOf(list).map((page, index) => (index === at ? { ...page, rows: page.rows - 1 } : page))
      expect(verdictOf(proof, pages).verdict).toBe('partial')
    }))
  })

  it('a repeated page, in place of the next or beside it', () => {
    fc.assert(fc.property(fc.constantFrom<Proof>('total', 'cursor', 'none'), sizes, fc.nat(), fc.boolean(), (proof, list, pick, replace) => {
      const pages = pagesOf(list)
      const at = pick % (pages.length - 1)
      const again = { ...pages[at]!, start: pages[at + 1]!.start, place: 'again' }
      pages.splice(at + 1, replace ? 1 : 0, again)
      const verdict = verdictOf(proof, pages)
      expect(verdict).toMatchObject({ verdict: 'partial' })
    }))
  })

  it('a total that moved', () => {
    fc.assert(fc.property(fc.constantFrom<Proof>('total', 'transaction', 'manifest'), sizes, fc.nat(), fc.integer({ min: -3, max: 3 }), (proof, list, pick, by) => {
      fc.pre(by !== 0)
      const at = 1 + (pick % (list.length - 1))
      const pages = pagesOf(list).map((page, index) => (index < at ? page : { ...page, total: (page.total ?? 0) + by }))
      expect(verdictOf(proof, pages)).toMatchObject({ verdict: 'partial', moved: true, reason: expect.stringContaining('moved') as string })
    }))
  })

  it('an error in the middle, with its class', () => {
    fc.assert(fc.property(proofs, sizes, (proof, list) => {
      const ledger = new Ledger(proof)
      for (const page of pagesOf(list)) ledger.page(page)
      ledger.failed('throttled', 'too many requests', 'page 9')
      expect(ledger.close()).toMatchObject({ verdict: 'partial', reason: 'throttled: too many requests', place: 'page 9' })
    }))
  })
})

describe('what is told', () => {
  it('a gap, an overlap and rows before the first page', () => {
    const [a, b] = pagesOf([3, 3]) as [PageEvidence, PageEvidence]
    expect(verdictOf('total', [a, { ...b, start: 5 }])).toMatchObject({ reason: 'gap: rows 3 to 4 are missing', place: 'page 1', moved: false })
    expect(verdictOf('total', [a, { ...b, start: 2 }])).toMatchObject({ reason: expect.stringContaining('overlap') as string, moved: true })
    expect(verdictOf('cursor', [{ ...b, start: 4, total: null }]).reason).toContain('rows before it are missing')
  })

  it('an empty page in the middle, where pages are counted and not chained', () => {
    const [a, b] = pagesOf([2, 2]) as [PageEvidence, PageEvidence]
    const empty = { place: 'hole', rows: 0, rejected: 0, total: 4, start: null, digest: 'e' }
    expect(verdictOf('total', [a, empty, b])).toMatchObject({ verdict: 'partial', reason: expect.stringContaining('hole') as string })
    expect(verdictOf('cursor', [a, empty, b]).verdict).toBe('complete')
  })

  it('the first trouble, not the last', () => {
    const [a, b, c] = pagesOf([2, 2, 2]) as [PageEvidence, PageEvidence, PageEvidence]
    expect(verdictOf('total', [a, { ...b, start: 3 }, { ...c, digest: a.digest }]).place).toBe('page 1')
  })

  it('a cursor chain stays whole while the count moves, and a stable count must fit', () => {
    const pages = pagesOf([2, 2])
    expect(verdictOf('cursor', pages.map((page, at) => ({ ...page, total: 4 + at }))).verdict).toBe('complete')
    expect(verdictOf('cursor', pages.map((page) => ({ ...page, total: 6 }))).verdict).toBe('partial')
    expect(verdictOf('cursor', pages.map((page, at) => ({ ...page, total: at === pages.length - 1 ? 0 : 9 })))).toMatchObject({
      verdict: 'partial', reason: expect.stringMatching(/^the source counts 0 rows, \d+ were read$/),
    })
  })

  it('equal pages of a transaction or a file are no trouble', () => {
    const pages = pagesOf([2, 2]).map((page) => ({ ...page, digest: 'same' }))
    expect(verdictOf('transaction', pages).verdict).toBe('complete')
    expect(verdictOf('manifest', pages).verdict).toBe('complete')
    expect(verdictOf('total', pages).verdict).toBe('partial')
  })

  it('a row that came twice, under a count only', () => {
    for (const [proof, verdict] of [['total', 'partial'], ['transaction', 'complete']] as const) {
      const ledger = new Ledger(proof)
      for (const page of pagesOf([2, 2])) ledger.page(page)
      ledger.overlap('page 1, row 1')
      expect(ledger.close().verdict).toBe(verdict)
    }
  })

  it('a loss that the reader of rows found', () => {
    const ledger = new Ledger('transaction')
    ledger.loss('a row was rejected', 'page 0, row 2')
    expect(ledger.close()).toMatchObject({ verdict: 'partial', reason: 'a row was rejected', place: 'page 0, row 2' })
  })
})
