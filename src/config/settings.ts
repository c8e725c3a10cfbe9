import { RemedyConfig, type AppConfig, type Config } from '../../schemas/config.ts'
import { AppSetting, RemedySetting, type Corrections, type PolicySetting, type SourcesSetting } from '../../schemas/settings.ts'
import type { SettingTopic } from '../runtime/settings.ts'

interface SettingToPublish {
  name: string
  value: AppSetting | PolicySetting | SourcesSetting | RemedySetting
  topics: readonly SettingTopic[]
}

const everyInput: readonly SettingTopic[] = ['raw', 'intent', 'facts']

/**
 * The settings that a config file stands for. An application that the log knows and the file does not is published as paused
 * (`known` holds the log's last values): leaving the file deletes nothing.
 */
export function settingsOf(
  config: Config,
  partitions: SourcesSetting['partitions'],
  known: ReadonlyMap<string, AppSetting>,
): SettingToPublish[] {
  const apps = Object.entries(config.apps).map(([name, app]) => setting(`app/${name}`, appSetting(app, known.get(name)?.state)))
  const left = [...known].filter(([name]) => !(name in config.apps)).map(([name, value]) => setting(`app/${name}`, { ...value, state: value.state === 'retired' ? 'retired' : 'paused' }))
  const sources: SourcesSetting = {
    apps: Object.keys(config.apps).sort(),
    feeds: Object.entries(config.feeds)
      .map(([name, feed]) => ({ name, class: feed.class, brake: feed.brake }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    partitions,
  }
  return [...apps, ...left, setting('policy', config.policy), setting('sources', sources), ...remedies(config, known)]
}

/** Where nothing may be written any more, what was approved stays where it is. */
function remedies(config: Config, known: ReadonlyMap<string, AppSetting>): SettingToPublish[] {
  const names = [...new Set([...Object.keys(config.apps), ...known.keys()])]
  return names.flatMap((name) => {
    const remedy = config.apps[name]?.remedy ?? null
    if (remedy === null && (known.get(name)?.corrections ?? null) === null) return []
    const { assign: _assign, newAccount: _new, staleCredential: _stale, visibilitySeconds: _visibility, ...rules } = remedy ?? RemedyConfig.parse({})
    return [{ name: `remedy/${name}`, value: RemedySetting.parse({ ...rules, active: remedy !== null }), topics: ['actions'] as const }]
  })
}

/** What concerns the proposing of corrections, the rest being about what is done with them. */
const correctionsOf = ({ assign, newAccount, staleCredential }: RemedyConfig): Corrections => ({ assign, newAccount, staleCredential })

const setting = (name: string, value: SettingToPublish['value']): SettingToPublish => ({ name, value, topics: everyInput })

function appSetting(app: AppConfig, state: AppSetting['state'] | undefined): AppSetting {
  return AppSetting.parse({
    state: state === 'retired' ? 'retired' : 'active',
    ids: app.ids,
    match: app.match,
    ownerSpace: app.ownerSpace,
    catalogue: app.catalogue,
    identityMapping: app.identityMapping,
    reread: app.reread,
    brake: app.brake,
    allowedDelaySeconds: app.allowedDelaySeconds,
    corrections: app.remedy === null ? null : correctionsOf(app.remedy),
  })
}
