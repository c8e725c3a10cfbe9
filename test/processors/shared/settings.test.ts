import { expect, test } from 'vitest'
import type { Setting } from '../../../schemas/wire/common.ts'
import { AppSetting } from '../../../schemas/settings.ts'
import type { ParsedSettings } from '../../../processors/shared/settings.ts'
import { Settings } from '../../../processors/shared/settings.ts'
import { MemoryState } from './memory-state.ts'

const app = (revision: number, reread: boolean): Setting => ({
  type: 'Setting', name: 'app/crm', revision, digest: '', value: JSON.stringify(AppSetting.parse({ reread })),
})

test('only a newer revision counts', () => {
  const settings = new Settings(new MemoryState(), new Map())
  expect(settings.app('crm')).toBeUndefined()
  expect([settings.apply(app(2, true)), settings.apply(app(2, false)), settings.apply(app(1, false))]).toEqual([true, false, false])
  expect(settings.app('crm')?.reread).toBe(true)
  expect(settings.apply(app(3, false))).toBe(true)
  expect(settings.app('crm')?.reread).toBe(false)
})

test('each name has its own value, parsed once, also by another instance over the same state', () => {
  const state = new MemoryState()
  const settings = new Settings(state, new Map())
  settings.apply(app(1, true))
  settings.apply({ ...app(1, true), name: 'policy', value: '{"sod":[]}' })
  settings.apply({ ...app(1, true), name: 'sources', value: '{"apps":["crm"]}' })
  expect(settings.app('crm')).toBe(settings.app('crm'))
  const other = new Settings(state, new Map())
  expect([other.app('crm')?.reread, other.policy(), other.sources()]).toEqual([true, { sod: [] }, { apps: ['crm'] }])
})

test('a cache that is ahead of the state is not believed', () => {
  const cache: ParsedSettings = new Map()
  new Settings(new MemoryState(), cache).app('crm')
  const first = new MemoryState()
  const second = new MemoryState()
  for (const [state, reread] of [[first, true], [second, false]] as const) {
    const settings = new Settings(state, cache)
    settings.apply(app(1, reread))
    expect(settings.app('crm')?.reread).toBe(reread)
  }
})
