import type { PolicySetting } from '../../schemas/settings.ts'
import type { Settings } from '../shared/settings.ts'
import { assignedBy } from './assigned.ts'
import type { AppRules, Rules } from './model.ts'
import type { Readiness } from './readiness.ts'

/** Before a policy arrives nothing is too old, and no two duties conflict. */
const noPolicy: PolicySetting = { dormantAfterDays: null, credentialMaxAgeDays: null, credentialUnusedDays: null, sod: [], severities: {} }

/** What settings and baselines say now. An app is looked up once, since every grant of a home asks for it. */
export function rulesAt(now: number, settings: Settings, readiness: Readiness): Rules {
  const apps = new Map<string, AppRules | null>()
  const feeds = readiness.feeds()
  const app = (name: string): AppRules | null => {
    let rules = apps.get(name)
    if (rules === undefined) apps.set(name, (rules = appRules(name, settings, readiness)))
    return rules
  }
  return { now, policy: settings.policy() ?? noPolicy, desiredReady: feeds.desired, keysReady: feeds.keys, app }
}

/** What everybody should have, and whose each account is, was told by all who tell it. */
export const arePeopleKnown = ({ desiredReady, keysReady }: Rules): boolean => desiredReady && keysReady

function appRules(name: string, settings: Settings, readiness: Readiness): AppRules | null {
  const setting = settings.app(name)
  if (setting === undefined) return null
  const { allowedDelaySeconds, state } = setting
  const corrections = state === 'active' && setting.corrections !== null ? { ...setting.corrections, assigned: (of: string) => assignedBy(setting, of) } : null
  return { delayMs: allowedDelaySeconds * 1_000, retired: state === 'retired', observedAt: readiness.observedAt(name), corrections }
}
