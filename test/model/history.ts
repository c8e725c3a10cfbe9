import type { AppSetting, Brake, PolicySetting } from '../../schemas/settings.ts'
import type { Ruling } from '../../schemas/wire/common.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import type { IntentKind, IntentObject } from './records.ts'
import type { WorldAccount } from './world.ts'

/** A history as plain data, so that a failing one can be printed and played again. */
export interface History {
  /** of the interleaving */
  seed: number
  /** sources say when what they tell became so */
  dated: boolean
  apps: Record<string, Partial<AppSetting>>
  policy: PolicySetting
  steps: Step[]
  /** sources in the order in which they are read completely in the end */
  order: string[]
  /** what happens after that; each change is told by an event, so that no later run is needed to know of it */
  tail: Step[]
}

export type Step =
  | Change
  | { do: 'run'; source: string; how: How; during: Step[] }
  /** what a page reads and the next no longer does: it changes and, after that page, changes back */
  | { do: 'flicker'; change: Change }
  /** the source tells of one object as it is now */
  | { do: 'tell'; object: Name }
  | { do: 'wait'; hours: number }
  | { do: 'setting'; app: string; value: Partial<AppSetting> }
  | { do: 'brake'; source: string; brake: Brake }
  /** a person releases what the source's last run holds, declares its baseline, or has all forgotten that it told */
  | { do: 'rule'; source: string; kind: Ruling['kind'] }
  /** so many records are processed, by any tasks, before the next step */
  | { do: 'work'; records: number }

/** The world changes; nobody is told. */
export type Change =
  | { do: 'put'; object: IntentObject }
  | { do: 'drop'; object: { of: IntentKind; id: string } }
  | { do: 'put-account'; app: string; value: WorldAccount }
  | { do: 'drop-account'; app: string; id: string }
  | { do: 'put-definition'; app: string; name: string; children: Ref[] }
  | { do: 'drop-definition'; app: string; name: string }

export type Name = { of: IntentKind; id: string } | { of: 'account' | 'definition'; app: string; id: string }

export interface How {
  pageSize: number
  /** all pages are read before the first record is published; what happens `during` the run happens in between */
  spooled: boolean
  /** `blind`: it is told that there is nothing, and believes it */
  loss: 'none' | 'page' | 'definitions' | 'record' | 'unknown' | 'filtered' | 'abandoned' | 'blind'
  /** which page or record is lost */
  at: number
  /** which object is rejected, if any */
  rejected: number | null
}

export const flawless: How = { pageSize: 3, spooled: false, loss: 'none', at: 0, rejected: null }
