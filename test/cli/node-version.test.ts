import { expect, it } from 'vitest'
import { tooOld } from '../../src/cli/node-version.ts'

it('a Node that is too old is told of, and only that', () => {
  expect(tooOld('24.0.0')).toBeNull()
  expect(tooOld('100.1.0')).toBeNull()
  expect(tooOld('22.21.1')).toContain('needs Node 24 or later, and this is 22.21.1')
})
