import type { IdentityStatus, DesiredEntry, LapsedEntry, Position, Revocation } from '../../schemas/wire/common.ts'
import type { AccountFact, Reference } from '../../schemas/wire/facts.ts'
import type { Finding, FindingKind, GrantVerdict, LagSample } from '../../schemas/wire/results.ts'
import type { Ref } from '../../schemas/wire/raw.ts'
import type { Corrections, PolicySetting } from '../../schemas/settings.ts'
import type { Packed } from '../shared/packed.ts'

/** What is kept of each home, and what its evaluation reads. Each fact keeps its position on the facts topic. */

export type AccountState = Omit<AccountFact, 'type' | 'home' | 'movedFrom' | 'sources' | 'cause'>

/**
 * `verdicts[i]` is the published verdict of `fact.grants[i]`. `moved`: the account came here from another home. Equal grants, and
 * equal verdicts, are the same object while it is kept.
 */
export interface AccountRow {
  fact: AccountState
  position: Position
  moved: boolean
  verdicts: readonly GrantVerdict[]
}

/** A desired entitlement without its reasons: those are each identity's own, what they give is many identities'. */
export type Planned = Pick<DesiredEntry, 'app' | 'entitlement' | 'from' | 'until'>

/** The one plan of all of whom nothing is desired. */
export const noPlan: readonly Planned[] = Object.freeze([])

/**
 * `endedAt`: when the identity ended, as far as it is known; null while it has not. Equal plans are the same object while it is
 * kept; `reasons` are those of its entries (stored.ts).
 */
export interface DesiredRow {
  identity: string
  status: IdentityStatus
  start: number | null
  endedAt: number | null
  /** what a new account is named by */
  display: string | null
  keys: Record<string, string>
  plan: readonly Planned[]
  reasons: Packed
  lapsed: LapsedEntry[]
  revoked: readonly Revocation[]
  position: Position
}

export type ReferenceRow = Pick<Reference, 'app' | 'account' | 'kind'> & { position: Position }

export interface HeldRow {
  source: string
  class: string
  writer: number
  run: number
  absent: number
  present: number
  position: Position
}

/** What names a finding within its home; `object` is the credential, rule, class or field, where the kind has one. */
export interface FindingKey {
  kind: FindingKind
  app: string | null
  account: string | null
  entitlement: string | null
  object: string | null
}

export type Severity = Finding['severity']

export interface OpenFinding extends FindingKey {
  id: string
  severity: Severity
  since: number
  opened: number
  detail: string
  /** version of what was proposed about it; null where nothing is */
  plan: string | null
}

/**
 * A finding whose condition holds. `decided` false: it seems to hold, but a baseline that it needs is not there, so it opens
 * nothing and closes nothing. `age`: for an account that moved here, since when the condition can have held.
 */
export interface Wanted extends FindingKey {
  severity: Severity
  detail: string
  decided: boolean
  age: number | null
  valid: number | null
  observed: number | null
  causes: Position[]
}

/** A desired change that was not yet seen done: `desired` is the moment that its lag counts from, ms. `account`: of which alone; null: of any of the home. */
export interface Wait {
  app: string
  account: string | null
  entitlement: string
  direction: LagSample['direction']
  desired: number
}

export interface HomeRow {
  desired: DesiredRow | null
  references: ReferenceRow[]
  held: HeldRow[]
  open: OpenFinding[]
  waits: Wait[]
  /** whose settings and baselines its evaluation depends on; sorted */
  apps: readonly string[]
  /** of these, whose first complete observation may change something here (see awaited in lag.ts); sorted */
  awaits: readonly string[]
  /** when the home must be evaluated again though nothing arrives, ms */
  due: number | null
}

export const emptyHome: Readonly<HomeRow> = { desired: null, references: [], held: [], open: [], waits: [], apps: [], awaits: [], due: null }

/** What the evaluation of a home reads: facts only, no history. `accounts` are in key order. */
export interface HomeView {
  home: string
  desired: DesiredRow | null
  references: readonly ReferenceRow[]
  held: readonly HeldRow[]
  accounts: readonly AccountRow[]
}

/**
 * `observedAt`: when the app's baseline was complete, ms; null before. `corrections`: null where nothing is to be proposed;
 * `assigned` is what an account has to be assigned to so that it holds a catalogue name, null where nobody knows.
 */
export interface AppRules {
  delayMs: number
  retired: boolean
  observedAt: number | null
  corrections: (Pick<Corrections, 'newAccount' | 'staleCredential'> & { assigned(entitlement: string): Ref | null }) | null
}

/** Everything outside a home that its evaluation depends on. */
export interface Rules {
  now: number
  policy: PolicySetting
  desiredReady: boolean
  keysReady: boolean
  /** null: no setting of this app has arrived, so nothing about it is judged */
  app(name: string): AppRules | null
}
