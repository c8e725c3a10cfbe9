import { AppSetting, type IntentClass } from '../../schemas/settings.ts'
import type { Publisher } from '../runtime/publisher.ts'
import { publishSettings } from '../runtime/settings.ts'
import { ConfigError } from './config-error.ts'
import type { LoadedConfig } from './load.ts'
import { settingsOf } from './settings.ts'

const knownKey = 'known-apps'
/** Releases before this one kept no feeds. */
const feedsKey = 'known-feeds'

/**
 * Publishes what the file says, where it differs. Answers the setting of every application that the file has or had: the last ones are kept,
 * for the day an application leaves it. Throws ConfigError where a name stood for something else before: what was read under it is still there.
 */
export async function publishConfig(publisher: Publisher, config: LoadedConfig): Promise<Map<string, AppSetting>> {
  const kept = publisher.get<Record<string, unknown>>(knownKey) ?? {}
  const known = new Map(Object.entries(kept).map(([name, value]) => [name, AppSetting.parse(value)]))
  const feeds = new Map(Object.entries(publisher.get<Record<string, IntentClass>>(feedsKey) ?? {}))
  const taken = takenNames(config, known, feeds)
  if (taken.length > 0) throw new ConfigError(taken.join('\n'))
  for (const [name, feed] of Object.entries(config.feeds)) feeds.set(name, feed.class)
  const counts = { raw: config.partitions, intent: config.partitions, facts: config.partitions }
  const settings = settingsOf(config, counts, known)
  for (const { name, value } of settings) if (name.startsWith('app/')) known.set(name.slice('app/'.length), AppSetting.parse(value))
  await publisher.publish([], new Map<string, unknown>([[knownKey, Object.fromEntries(known)], [feedsKey, Object.fromEntries(feeds)]]))
  await publishSettings(publisher, settings)
  return known
}

/** Runs, findings and rulings of a name can't be told apart by what it stood for when, and nobody would say that what it stood for before is read no more. */
function takenNames({ apps, feeds }: LoadedConfig, known: ReadonlyMap<string, AppSetting>, had: ReadonlyMap<string, IntentClass>): string[] {
  const taken = (place: 'apps' | 'feeds', name: string, was: string): string =>
    `${place}.${name}: ${name} was ${was} here, and what was read of it holds on. Choose another name; \`grantline rule ${name} --kind retire …\` then ends what was read under this one`
  return [
    ...Object.keys(apps).filter((name) => had.has(name)).map((name) => taken('apps', name, `a feed of ${had.get(name)!}`)),
    ...Object.entries(feeds).flatMap(([name, feed]) => {
      if (known.has(name)) return [taken('feeds', name, 'an application')]
      const before = had.get(name)
      return before === undefined || before === feed.class ? [] : [taken('feeds', name, `a feed of ${before}`)]
    }),
  ]
}
