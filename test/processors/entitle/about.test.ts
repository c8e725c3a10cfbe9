import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AboutTable } from '../../../processors/entitle/about.ts'
import { compareKeys } from '../../../src/core/order.ts'
import { MemoryState } from '../shared/memory-state.ts'

const subject = fc.constantFrom('identity/ann', 'identity/ann2', 'account/erp/svc')
/** More than have room in one row. */
const key = fc.integer({ min: 0, max: 150 }).map((n) => `8:requests8:requests${n}`)
const told = fc.uint8Array({ maxLength: 5 }).map((bytes) => new Uint8Array(bytes))

it('answers what was put last about each subject, in the order of the keys, however much it is', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ subject, key, told }) },
    { weight: 1, arbitrary: fc.record({ subject, key, told: fc.constant(null) }) },
  )
  let most = 0
  fc.assert(fc.property(fc.array(step, { minLength: 30, maxLength: 400, size: 'max' }), (steps) => {
    const state = new MemoryState()
    const about = new AboutTable(state)
    const model = new Map<string, Map<string, Uint8Array>>()
    for (const { subject: of, key: at, told: what } of steps) {
      const objects = model.get(of) ?? new Map<string, Uint8Array>()
      model.set(of, objects)
      if (what === null) objects.delete(at)
      else objects.set(at, what)
      if (what === null) about.delete(of, at)
      else about.put(of, at, what)
      expect(about.get(of, at)).toEqual(what ?? undefined)
    }
    for (const [of, objects] of model) expect(about.all(of)).toEqual([...objects].sort(([a], [b]) => compareKeys(a, b)))
    most = Math.max(most, state.keys('more').length)
  }), { numRuns: 30 })
  expect(most).toBeGreaterThan(10)
})

it('keeps no row of a subject about which nothing is said any more', () => {
  const state = new MemoryState()
  const about = new AboutTable(state)
  about.put('identity/ann', 'a', Uint8Array.of(1))
  about.delete('identity/ann', 'b')
  about.delete('identity/ann', 'a')
  expect(state.keys('about')).toEqual([])
})
