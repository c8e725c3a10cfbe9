import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { parseConfig, type LoadedConfig } from '../../src/config/load.ts'
import { publishConfig } from '../../src/config/publish.ts'
import type { Log } from '../../src/ports/log.ts'
import { HandClock } from '../../src/runtime/clock.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { codec, logKinds } from '../runtime/logs.ts'

interface Named {
  apps?: readonly string[]
  /** name -> class */
  feeds?: Readonly<Record<string, string>>
}

function configOf({ apps = [], feeds = {} }: Named): LoadedConfig {
  const text = JSON.stringify({
    partitions: 1,
    apps: Object.fromEntries(apps.map((name) => [name, { connector: 'csv' }])),
    feeds: Object.fromEntries(Object.entries(feeds).map(([name, of]) => [name, { class: of, format: 'csv' }])),
  })
  return { ...parseConfig(text, 'grantline.yaml'), baseDir: '/' }
}

/** What a process does that starts with this file. */
const start = async (log: Log, named: Named): Promise<string[]> => [
  ...(await publishConfig(await openPublisher({ log, codec, clock: new HandClock(0), id: 'settings' }), configOf(named))).keys(),
]

describe.each(logKinds)('a config file on a living log: $name', ({ open }) => {
  it('may lose applications and feeds and have them again', async () => {
    await using log = await open(1)
    await start(log, { apps: ['crm', 'desk'], feeds: { people: 'identities' } })
    expect(await start(log, { apps: ['crm'] })).toEqual(['crm', 'desk'])
    expect(await start(log, { apps: ['crm', 'desk'], feeds: { people: 'identities' } })).toEqual(['crm', 'desk'])
  })

  it('gives no feed the name that an application had, and no application that of a feed', async () => {
    await using log = await open(1)
    await start(log, { apps: ['crm'], feeds: { people: 'identities' } })
    const end = await log.end('raw', 0)
    const refused = start(log, { apps: ['people'], feeds: { crm: 'links' } })
    await expect(refused).rejects.toThrow(ConfigError)
    await expect(refused).rejects.toThrow(/^apps\.people: people was a feed of identities here, .* Choose another name; .*\nfeeds\.crm: crm was an application here/)
    expect(await log.end('raw', 0)).toBe(end)
    expect(await start(log, { apps: ['crm'], feeds: { people: 'identities' } })).toEqual(['crm'])
  })

  it('gives no feed the name of one of another class: what that said would hold on, read by nobody', async () => {
    await using log = await open(1)
    await start(log, { feeds: { governance: 'links' } })
    await start(log, {})
    await expect(start(log, { feeds: { governance: 'requests' } })).rejects.toThrow(/^feeds\.governance: governance was a feed of links here/)
    await start(log, { feeds: { governance: 'links', approvals: 'requests' } })
  })
})
