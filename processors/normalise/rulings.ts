import type { Ruling, Setting } from '../../schemas/wire/common.ts'
import type { AppSetting } from '../../schemas/settings.ts'
import { equal } from '../../src/core/equal.ts'
import { releasePass } from '../shared/absences.ts'
import { layout } from './account.ts'
import { deriveLater } from './lagging.ts'
import type { Scope } from './scope.ts'

/** Rulings about feeds reach raw too; they name no app and change nothing here. */
export function applyRuling(scope: Scope, { source, kind, run }: Ruling): void {
  const { runs, jobs, later, settings } = scope
  if (settings.app(source) === undefined) return
  if (kind === 'baseline') later.push({ kind: 'declare', app: source })
  if (kind === 'retire') jobs.push({ kind: 'retire', app: source })
  if (kind !== 'release' || run === null) return
  for (const name of [...layout.accounts.slice(1), 'accounts', 'definitions']) {
    const pass = releasePass(runs, source, name, run)
    if (pass !== null) jobs.push({ kind: 'release', pass })
  }
}

/** What of an app's setting its facts depend on. */
const factParts = ({ match, ownerSpace, catalogue, identityMapping, allowedDelaySeconds }: AppSetting): unknown => [
  match, ownerSpace, Object.entries(catalogue), identityMapping, allowedDelaySeconds,
]

/** A newer revision: its app is retired, or its accounts are derived anew where their facts depend on what is different. */
export function applySetting(scope: Scope, record: Setting): void {
  const { settings, jobs } = scope
  const app = record.name.startsWith('app/') ? record.name.slice('app/'.length) : null
  const before = app === null ? undefined : settings.app(app)
  if (!settings.apply(record) || app === null) return
  const after = settings.app(app)
  if (after === undefined) return
  if (after.state === 'retired') jobs.push({ kind: 'retire', app })
  else if (before !== undefined && !equal(factParts(before), factParts(after))) deriveLater(scope, app, null)
}
