import type { FindingKind } from '../../schemas/wire/results.ts'
import type { PolicySetting } from '../../schemas/settings.ts'
import type { Severity } from './model.ts'

const defaults: Readonly<Record<FindingKind, Severity>> = {
  'leaver-access': 'critical',
  'sod-conflict': 'high',
  'unauthorised-grant': 'high',
  'owner-left': 'high',
  'orphaned-account': 'high',
  'unowned-nhi': 'high',
  'expired-grant': 'high',
  'exposed-secret': 'high',
  'ambiguous-match': 'medium',
  'stale-credential': 'medium',
  'missing-grant': 'medium',
  'unmapped-entitlement': 'medium',
  'held-absences': 'medium',
  'held-removals': 'medium',
  'dormant-account': 'low',
}

/** Policy's word, else the kind's default. */
export function severityOf(kind: FindingKind, policy: PolicySetting): Severity {
  return policy.severities[kind] ?? defaults[kind]
}
