import { expect, it } from 'vitest'
import type { Credential } from '../../../schemas/wire/common.ts'
import type { Account } from '../../../schemas/wire/raw.ts'
import { shows } from '../../../src/connect/writes/effect.ts'
import { operation } from '../../contract/write-side.ts'

const read = (...credentials: Partial<Credential>[]): Account => ({
  type: 'Account', app: 'app', id: 'S', native: 's', run: null, observed: 1, valid: null, gone: false, attributes: null, memberships: null, grants: null,
  credentials: { whole: true, removed: [], added: credentials.map((one) => ({ id: 'k', kind: 'key', created: null, lastUsed: null, expires: null, ...one })) },
} as unknown as Account)
const rotate = (attributes: Record<string, string>) => operation('rotate-credential', 's', { credential: 'k', attributes })

it.each([
  ['another time of making', { created: '1000' }, [{ created: 2000 }], true],
  ['the same time of making', { created: '1000' }, [{ created: 1000 }], false],
  ['a later end', { expires: '1000' }, [{ expires: 5000 }], true],
  ['no date before, one now', {}, [{ created: 2000 }], true],
  ['no date before and after', {}, [{}], null],
  ['another credential only', { created: '1000' }, [{ id: 'other', created: 2000 }], null],
])('a rotation shows by %s', (_, attributes, credentials, expected) => {
  expect(shows(rotate(attributes as Record<string, string>), read(...(credentials as Partial<Credential>[])))).toBe(expected)
})

it('a credential that is put out of use shows where it is no longer listed, and can’t be told where it is', () => {
  const asked = operation('disable-credential', 's', { credential: 'k' })
  expect([shows(asked, read({ id: 'other' })), shows(asked, read({}))]).toEqual([true, null])
})
