import type { AppSetting, PolicySetting } from '../../schemas/settings.ts'
import type { AccountKind, AccountStatus, Credential } from '../../schemas/wire/common.ts'
import type { Ref } from '../../schemas/wire/raw.ts'

/** The truth at one moment: what every system holds, with nothing of how it was read. Times in ms. */
export interface World {
  now: number
  apps: Record<string, WorldApp>
  identities: WorldIdentity[]
  businessRoles: WorldRole[]
  assignments: WorldAssignment[]
  requests: WorldRequest[]
  decisions: WorldDecision[]
  links: WorldLink[]
  policy: PolicySetting
}

export interface WorldApp {
  setting: AppSetting
  accounts: WorldAccount[]
  /** `kind:id` of a role, group or entitlement -> what its holder gets */
  definitions: Record<string, Ref[]>
}

export interface WorldAccount {
  id: string
  kind: AccountKind
  status: AccountStatus
  created: number | null
  lastUsed: number | null
  owner: string | null
  values: Record<string, string>
  memberships: Ref[]
  grants: string[]
  credentials: Credential[]
}

export interface WorldIdentity {
  id: string
  start: number | null
  end: number | null
  status: 'planned' | 'active' | 'ended'
  continues: string | null
  attributes: Record<string, string>
  keys: { space: string; key: string; since: number; until: number | null }[]
}

export interface WorldRole {
  id: string
  grants: { app: string; entitlement: string }[]
  when: Record<string, string>
}

export interface WorldAssignment {
  id: string
  identity: string
  role: string
  from: number
  until: number | null
}

export type WorldDecision = Omit<WorldRequest, 'from' | 'until'> & { verdict: 'keep' | 'revoke'; at: number }

/** At most one for an account and relation. */
export interface WorldLink {
  app: string
  account: string
  identity: string
  relation: 'holder' | 'owner'
}

export interface WorldRequest {
  id: string
  identity: string | null
  account: { app: string; id: string } | null
  app: string
  entitlement: string
  from: number
  until: number | null
}
