import type { Setting } from '../../schemas/wire/common.ts'
import { AppSetting, PolicySetting, SourcesSetting } from '../../schemas/settings.ts'
import { canonical } from '../../src/core/canonical.ts'
import type { HomeFact } from './intake.ts'

/** Why a record can't be believed; it goes to the dead letters and everything else goes on. */
export interface Refusal {
  code: string
  source: string
  reason: string
}

/** Which homes a kind of fact may stand at. */
const homes: Readonly<Record<HomeFact['type'], RegExp>> = {
  AccountFact: /^(identity|account)\/./u,
  AccountGone: /^(identity|account)\/./u,
  Reference: /^identity\/./u,
  Desired: /^identity\/./u,
  Held: /^source\/./u,
}

export function refuseFact(record: HomeFact): Refusal | null {
  if (homes[record.type].test(record.home)) return null
  const source = record.type === 'Held' ? record.source : record.type === 'Desired' ? 'intent' : record.app
  const reason = `${record.type} at home ${record.home}: no such fact can stand there; verify the processor that wrote it`
  return { code: 'fact-home', source, reason }
}

/** The setting with every default filled in, null where it concerns other processors, or why it can't be used. */
export function readSetting(record: Setting): Setting | Refusal | null {
  const schema = schemaOf(record.name)
  if (schema === null) return null
  const refused = (reason: string): Refusal => ({
    code: 'setting',
    source: record.name,
    reason: `setting ${record.name}, revision ${record.revision}: ${reason}; the one before stays in force, publish a corrected one`,
  })
  let value: unknown
  try {
    value = JSON.parse(record.value)
  } catch {
    return refused('is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ...record, value: canonical(parsed.data) }
  return refused(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(', '))
}

function schemaOf(name: string): typeof AppSetting | typeof PolicySetting | typeof SourcesSetting | null {
  if (name.startsWith('app/')) return AppSetting
  if (name === 'policy') return PolicySetting
  return name === 'sources' ? SourcesSetting : null
}
