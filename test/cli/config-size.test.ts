import { expect, it } from 'vitest'
import { configSize } from '../../src/cli/config-size.ts'

it.each([
  [{ apps: {}, feeds: {} }, '0 applications, 0 feeds'],
  [{ apps: { one: {} }, feeds: { one: {}, other: {} } }, '1 application, 2 feeds'],
  [{ apps: { one: {}, other: {} }, feeds: { one: {} } }, '2 applications, 1 feed'],
])('%j', (config, text) => {
  expect(configSize(config )).toBe(text)
})
