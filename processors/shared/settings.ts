import type { AppSetting, PolicySetting, RemedySetting, SourcesSetting } from '../../schemas/settings.ts'
import type { Setting } from '../../schemas/wire/common.ts'
import type { State } from '../../src/ports/processor.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import { getHot, putHot } from './hot-rows.ts'

interface SettingRow {
  revision: number
  value: string
}

/**
 * The newest revision of each setting. Values were validated by their publisher, so they are parsed and believed. The parsed form
 * is cached by revision, which a reload may drop.
 */
export class Settings {
  readonly #state: State
  readonly #parsed: ParsedSettings

  constructor(state: State, parsed: ParsedSettings) {
    this.#state = state
    this.#parsed = parsed
  }

  /** False, and nothing kept, where this revision or a newer one is known. */
  apply(record: Setting): boolean {
    const row = getHot<SettingRow>(this.#state, 'settings', record.name)
    if (row !== undefined && row.revision >= record.revision) return false
    putHot(this.#state, 'settings', record.name, { revision: record.revision, value: record.value })
    return true
  }

  /** Undefined for an application that no setting names. */
  app(name: string): AppSetting | undefined {
    return this.#value<AppSetting>(`app/${name}`)
  }

  /** Names of all applications that settings ever named, in order. */
  apps(): string[] {
    return [...this.#state.range('settings', { prefix: 'app/' })].map(([name]) => name.slice('app/'.length))
  }

  policy(): PolicySetting | undefined {
    return this.#value<PolicySetting>('policy')
  }

  /** Undefined for an application in which nothing is to be corrected. */
  remedy(app: string): RemedySetting | undefined {
    return this.#value<RemedySetting>(`remedy/${app}`)
  }

  sources(): SourcesSetting | undefined {
    return this.#value<SourcesSetting>('sources')
  }

  #value<V>(name: string): V | undefined {
    const row = getHot<SettingRow>(this.#state, 'settings', name)
    if (row === undefined) return undefined
    const cached = this.#parsed.get(name)
    if (cached !== undefined && cached.text === row.value) return cached.value as V
    const value = deepFreeze(JSON.parse(row.value)) as V
    this.#parsed.set(name, { text: row.value, value })
    return value
  }
}

/** By setting name; belongs to the processor instance, since a `Settings` is made for each record. */
export type ParsedSettings = Map<string, { text: string; value: unknown }>
