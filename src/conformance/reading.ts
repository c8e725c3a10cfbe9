import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { Account, Definition } from '../../schemas/wire/raw.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import type { RunResult } from '../connect/run-result.ts'

/** What one run left in the log, as far as it is judged. */
export interface Reading {
  classes: ReadonlyMap<string, ClassManifest>
  /** the loss that the run as a whole names; null: none */
  reason: string | null
  accounts: ReadonlyMap<string, Account>
  /** ids of accounts that were rejected and count as seen */
  seen: ReadonlySet<string>
  /** `kind:id` -> definition */
  definitions: ReadonlyMap<string, Definition>
  letters: readonly RecordOf<'dead-letters'>[]
  /** what came more than once in the run */
  repeated: readonly string[]
}

/** What was told outside of any run. */
export interface Observed {
  accounts: readonly Account[]
  letters: readonly RecordOf<'dead-letters'>[]
  /** what could not be read, in words */
  problems: readonly string[]
}

export function readingOf({ run, reason }: Pick<RunResult, 'run' | 'reason'>, raw: readonly RecordOf<'raw'>[], letters: readonly RecordOf<'dead-letters'>[]): Reading {
  const accounts = new Map<string, Account>()
  const definitions = new Map<string, Definition>()
  const seen = new Set<string>()
  const repeated: string[] = []
  let classes = new Map<string, ClassManifest>()
  for (const record of raw) {
    if (!('run' in record) || record.run !== run) continue
    if (record.type === 'Account') {
      if (accounts.has(record.id) || seen.has(record.id)) repeated.push(`account ${record.id}`)
      accounts.set(record.id, record)
    } else if (record.type === 'Seen') {
      if (accounts.has(record.id) || seen.has(record.id)) repeated.push(`account ${record.id}`)
      seen.add(record.id)
    } else if (record.type === 'Definition') {
      const key = `${record.ref.kind}:${record.ref.id}`
      if (definitions.has(key)) repeated.push(`definition ${key}`)
      definitions.set(key, record)
    } else if (record.type === 'RunEnd') {
      classes = new Map(record.classes.map((manifest) => [manifest.class, manifest]))
    }
  }
  return { classes, reason, accounts, seen, definitions, letters: letters.filter((letter) => letter.run === run), repeated }
}
