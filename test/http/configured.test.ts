import { expect, it } from 'vitest'
import type { IdRule } from '../../schemas/settings.ts'
import { spelledAsKept } from '../../src/http/configured.ts'

const ids = new Map<string, IdRule>([['billing', 'fold'], ['portal', 'exact']])
const asked = (filters: { app?: string; account?: string }, rules = ids): string | undefined => spelledAsKept(filters, rules).account

it('spells an account as its application keeps it', () => {
  expect(asked({ app: 'billing', account: 'U007' })).toBe('u007')
  expect(asked({ app: 'portal', account: 'U007' })).toBe('U007')
  expect(asked({ app: 'retired', account: 'U007' })).toBe('U007')
  expect(spelledAsKept({ app: 'billing' }, ids)).toEqual({ app: 'billing' })
})

it('without an application only where all keep it alike', () => {
  expect(asked({ account: 'U007' })).toBe('U007')
  expect(asked({ account: 'U007' }, new Map([['billing', 'fold'], ['hr', 'fold']]))).toBe('u007')
  expect(asked({ account: 'U007' }, new Map())).toBe('U007')
})
