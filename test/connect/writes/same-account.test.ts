import { expect, it } from 'vitest'
import { sameAccount } from '../../../src/connect/writes/same-account.ts'

it('is taken for the one that is meant where all that is asked for and matched by agrees, in either case', () => {
  expect(sameAccount({ email: 'Ann@x.org', title: 'clerk' }, [['email', 'ann@X.org'], ['phone', null]], 'ann')).toBe('already')
  expect(sameAccount({}, [['email', 'ann@x.org']], 'ann')).toBe('already')
})

it.each([['other@x.org'], [''], [null], [undefined]])('is somebody else’s where it has %o', (value) => {
  expect(() => sameAccount({ email: 'ann@x.org' }, [['email', value]], 'ann')).toThrow('whose email is another')
})
