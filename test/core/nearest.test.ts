import { expect, it } from 'vitest'
import { nearest } from '../../src/core/nearest.ts'

const known = ['billing', 'shop', 'hr', 'customerPortal']

it('finds what is two edits away, or a third of the length, whatever the case', () => {
  expect(nearest('Billing', known)).toBe('billing')
  expect(nearest('biling', known)).toBe('billing')
  expect(nearest('sohp', known)).toBe('shop')
  expect(nearest('shop ', known)).toBe('shop')
  expect(nearest('custPortal', known)).toBe('customerPortal')
  expect(nearest('warehouse', known)).toBeUndefined()
  expect(nearest('shop', [])).toBeUndefined()
})

it('finds no more than it is allowed to', () => {
  expect(nearest('custPortal', known, () => 2)).toBeUndefined()
  expect(nearest('ad', ['hr'])).toBe('hr')
  expect(nearest('ad', ['hr'], (length) => Math.floor(length / 2))).toBeUndefined()
})
