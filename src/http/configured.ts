import type { Config } from '../../schemas/config.ts'
import type { IdRule } from '../../schemas/settings.ts'
import { canonicalId } from '../core/canonical-id.ts'

/** What questions need of the config file. */
export interface Configured {
  apps: readonly string[]
  feeds: readonly string[]
  /** how an application's account ids become keys, by its name */
  ids: ReadonlyMap<string, IdRule>
}

export const configuredOf = ({ apps, feeds }: Pick<Config, 'apps' | 'feeds'>): Configured => ({
  apps: Object.keys(apps), feeds: Object.keys(feeds), ids: new Map(Object.entries(apps).map(([name, { ids }]) => [name, ids])),
})

/**
 * These filters with the account spelt as it is kept: as the application's rule has it, or, where none is named, all applications' rules
 * alike. Where they differ it stays as it was typed.
 */
export function spelledAsKept<F extends { app?: string; account?: string }>(filters: F, ids: ReadonlyMap<string, IdRule>): F {
  const { app, account } = filters
  if (account === undefined) return filters
  const rules = app === undefined ? [...ids.values()] : [ids.get(app) ?? 'exact']
  const [spelling, ...others] = new Set(rules.map((rule) => canonicalId(rule, account)))
  return spelling === undefined || others.length > 0 ? filters : { ...filters, account: spelling }
}
