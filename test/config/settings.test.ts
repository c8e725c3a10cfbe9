import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { settingsOf } from '../../src/config/settings.ts'
import { AppSetting } from '../../schemas/settings.ts'

const partitions = { raw: 2, intent: 2, facts: 2 }
const config = parseConfig('apps:\n  billing: { connector: sql, allowedDelaySeconds: 60 }\nfeeds:\n  hr: { class: identities, format: csv, path: hr.csv }\n', 'x')

describe('settings of a config', () => {
  it('hold each application, the policy and the list of sources, for every input topic', () => {
    const settings = settingsOf(config, partitions, new Map())
    expect(settings.map(({ name }) => name)).toEqual(['app/billing', 'policy', 'sources'])
    expect(settings[0]?.value).toMatchObject({ state: 'active', reread: false, allowedDelaySeconds: 60 })
    expect(settings[2]?.value).toMatchObject({ apps: ['billing'], feeds: [{ name: 'hr', class: 'identities' }], partitions })
    expect(settings.every(({ topics }) => topics.join() === 'raw,intent,facts')).toBe(true)
  })

  it('pause an application that left the file, and keep a retired one retired', () => {
    const known = new Map([
      ['old', AppSetting.parse({})],
      ['dead', AppSetting.parse({ state: 'retired' })],
    ])
    const states = settingsOf(config, partitions, known).map(({ name, value }) => [name, (value as AppSetting).state])
    expect(states).toContainEqual(['app/old', 'paused'])
    expect(states).toContainEqual(['app/dead', 'retired'])
  })
})
