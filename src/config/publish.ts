import { AppSetting } from '../../schemas/settings.ts'
import type { Publisher } from '../runtime/publisher.ts'
import { publishSettings } from '../runtime/settings.ts'
import type { LoadedConfig } from './load.ts'
import { settingsOf } from './settings.ts'

const knownKey = 'known-apps'

/**
 * Publishes what the file says, where it differs. Answers the setting of every application that the file has or had: the last ones are kept,
 * for the day an application leaves it.
 */
export async function publishConfig(publisher: Publisher, config: LoadedConfig): Promise<Map<string, AppSetting>> {
  const kept = publisher.get<Record<string, unknown>>(knownKey) ?? {}
  const known = new Map(Object.entries(kept).map(([name, value]) => [name, AppSetting.parse(value)]))
  const counts = { raw: config.partitions, intent: config.partitions, facts: config.partitions }
  const settings = settingsOf(config, counts, known)
  for (const { name, value } of settings) if (name.startsWith('app/')) known.set(name.slice('app/'.length), AppSetting.parse(value))
  await publisher.publish([], new Map([[knownKey, Object.fromEntries(known)]]))
  await publishSettings(publisher, settings)
  return known
}
