import { expect, it } from 'vitest'
import { MappingError } from '../../src/ports/connector.ts'
import { checkPieces } from '../../src/connect/pieces.ts'

const account = (values: Record<string, string>) => ({
  piece: 'account', id: 'ann', valid: null, attributes: { kind: 'human', status: 'active', display: 'Ann', created: null, lastUsed: null, owner: null, values },
})

it('an account whose attributes no row of the state could hold is refused by its name', () => {
  const half = 'x'.repeat(2 * 1024 * 1024 - 20)
  expect(checkPieces([account({ photo: half, other: half })])).toHaveLength(1)
  const refused = (): unknown => checkPieces([account({ photo: half, other: `${half}${'x'.repeat(60)}` })])
  expect(refused).toThrow(MappingError)
  expect(refused).toThrow(expect.objectContaining({ id: 'ann', message: expect.stringMatching(/^its attributes have 4194\d{3} characters and may have 4194304: /) as string }) as Error)
})
