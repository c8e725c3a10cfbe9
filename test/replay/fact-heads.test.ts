import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Foreseen } from '../../src/ports/codec.ts'
import { headAt, headOf } from '../../src/replay/fact-heads.ts'
import { recordOf } from '../support/arbitraries.ts'
import { codec } from './logs.ts'

const nothingForeseen: Foreseen = () => -1

it('what a fact begins with is the same off its bytes as when it is decoded', () => {
  const types = new Set<string>()
  fc.assert(fc.property(fc.array(recordOf('facts'), { minLength: 1, maxLength: 5 }), (records) => {
    const chunk = codec.open!('facts', codec.encode('facts', records), nothingForeseen)
    for (let i = 0; i < chunk.count; i++) {
      const head = headAt(chunk.encoded(i)!)
      expect(head).toEqual(headOf(chunk.record(i)))
      if (head !== null) types.add(head.type)
    }
  }), { numRuns: 300 })
  expect([...types].sort()).toEqual(['AccountFact', 'AccountGone', 'Desired', 'Held', 'Reference'])
})
