import type { ActionChange, ActionState, Proposal, RemedyMode, WriteVerdict } from '../../schemas/wire/actions.ts'
import type { Operation, OperationName } from '../../schemas/wire/operations.ts'
import type { RemedySetting } from '../../schemas/settings.ts'
import { equal } from '../../src/core/equal.ts'

type Subject = Pick<
  Proposal,
  | 'version' | 'kind' | 'severity' | 'home' | 'identity' | 'app' | 'account' | 'entitlement' | 'object' | 'detail' | 'operations' | 'loses' | 'obstacle'
>

/** One action, in the table `actions` under `<app>/<finding>`. Times are ms. */
export interface ActionRow extends Subject {
  readonly id: string
  readonly state: ActionState
  readonly mode: RemedyMode
  /** commands sent, ever */
  readonly attempt: number
  /** commands sent since it was last decided */
  readonly tries: number
  /** what was approved: other operations need another decision */
  readonly approved: readonly Operation[]
  readonly by: string | null
  readonly why: string | null
  /** a person released it from the brake */
  readonly released: boolean
  /** approved: not before; failed: tried again; applied: confirmed until then; null otherwise */
  readonly due: number | null
  readonly commandId: string | null
  readonly verdict: WriteVerdict | null
  readonly reason: string | null
  /** when the last command began to write, by the application's clock */
  readonly written: number | null
  /** the finding closed while the command was on its way; `observed` is of what showed it */
  readonly closing: { readonly observed: number | null } | null
  /** how often a verified correction had to be made again, and when it was last verified */
  readonly reversals: number
  readonly verifiedAt: number | null
  /** when its last change was told; rows of `remediate` 2 have none */
  readonly told?: number
}

/** What is counted for one application, in the table `apps`. */
export interface AppRow {
  /** approved, waiting for their command */
  readonly ready: number
  /** of these, removals that nobody released */
  readonly planned: number
  readonly held: number
  readonly inFlight: number
  /** accounts of the last complete run; null: not known yet */
  readonly accounts: number | null
  /** removals sent, by the beginning of the slot they fell in, oldest first */
  readonly sent: readonly (readonly [from: number, count: number])[]
  /** the finding that says that the brake holds; `since`: first seen, kept for ever */
  readonly brake: { readonly since: number; readonly opened: number | null; readonly told: number }
  /** until then a release lets everything pass */
  readonly passUntil: number | null
}

export const noApp: AppRow = {
  ready: 0, planned: 0, held: 0, inFlight: 0, accounts: null, sent: [], brake: { since: 0, opened: null, told: 0 }, passUntil: null,
}

const removing: ReadonlySet<OperationName> = new Set(['revoke', 'disable-account', 'delete-account', 'disable-credential'])

export const isRemoval = ({ operations }: Pick<ActionRow, 'operations'>): boolean => operations.some(({ name }) => removing.has(name))

/** Leavers first, then everything else that is taken away, then what is given. Code point order is the order. */
export function priorityOf(row: ActionRow): '0' | '1' | '2' {
  if (row.kind === 'leaver-access') return '0'
  return isRemoval(row) ? '1' : '2'
}

/** Nothing is done that was not approved, be it by policy or by a person; less of it may be, but not nothing: then something is in the way. */
export const isCovered = ({ operations, approved }: ActionRow): boolean =>
  operations.length > 0 && operations.every((one) => approved.some((other) => equal(one, other)))

export const modeOf = ({ policy }: RemedySetting, { kind }: Pick<ActionRow, 'kind'>): RemedyMode => policy.kinds[kind] ?? policy.otherwise

/** Each further try waits twice as long, a day at most, ms. */
export function distanceMs(setting: RemedySetting, tries: number): number {
  return Math.min(86_400_000, Math.round(setting.retrySeconds * 1_000) * 2 ** Math.min(30, Math.max(0, tries - 1)))
}

export const keyOf = ({ app, id }: Pick<ActionRow, 'app' | 'id'>): string => `${app}/${id}`

/** The change as it is told. */
export function changeOf(row: ActionRow, at: number, cause: ActionChange['cause']): ActionChange {
  const { id, version, state, mode, kind, severity, home, identity, app, account, entitlement, object, detail } = row
  const { operations, loses, obstacle, attempt, commandId, verdict, reason, by, why, due } = row
  return {
    type: 'ActionChange', id, version, state, mode, kind, severity, home, identity, app, account, entitlement, object, detail,
    operations, loses, obstacle, attempt, commandId, verdict, reason, by, why, due, at, cause,
  }
}
