import { AppSetting, SourcesSetting, type Brake } from '../../schemas/settings.ts'
import type { Setting } from '../../schemas/wire/common.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { classOfFeed } from './records.ts'

/** Of the model's worlds: nothing waits, and no brake holds unless a history wants it to. */
export const openBrake = { maxAbsent: 1_000, maxAbsentShare: 1 }

export const appSettingOf = (setting: Partial<AppSetting>): AppSetting =>
  AppSetting.parse({ ids: 'exact', brake: openBrake, ...setting, allowedDelaySeconds: 0 })

export function settingRecord(name: string, revision: number, value: unknown): Setting {
  const text = canonical(value)
  return { type: 'Setting', name, revision, digest: digest(text), value: text }
}

/** `brakes`: of feeds whose brake holds something. */
export function sourcesOf(apps: readonly string[], partitions: number, brakes: ReadonlyMap<string, Brake>): SourcesSetting {
  const feeds = Object.entries(classOfFeed).map(([name, of]) => ({ name, class: of, brake: brakes.get(name) ?? openBrake }))
  return SourcesSetting.parse({ apps, feeds, partitions: { raw: partitions, intent: partitions, facts: partitions } })
}
