import type { ActionChange } from '../../schemas/wire/actions.ts'
import type { Position, Ruling } from '../../schemas/wire/common.ts'
import type { AccessChange, AccessGrant, DeadLetter, Finding, LagSample, SyncRun } from '../../schemas/wire/results.ts'

/** Records with every field set, to be changed where a test means something by it. */
export const cause: Position = { topic: 'facts', partition: 1, offset: 12, index: 3 }
export const start = Date.UTC(2026, 0, 1)

export const finding = (change: Partial<Finding> = {}): Finding => ({
  type: 'Finding', id: 'f-1', kind: 'unauthorised-grant', severity: 'high', change: 'opened', home: 'identity/ann', identity: 'ann', app: 'billing',
  account: 'ann@x', entitlement: 'invoices:write', object: null, since: start, opened: start, closedAs: null, successor: null, detail: '{}',
  valid: null, observed: start + 1, decided: start + 2, causes: [cause], cause, ...change,
})

export const grant = (change: Partial<AccessGrant> = {}): AccessGrant => ({
  entitlement: 'invoices:write', native: 'INV_W', verdict: 'matched', direct: true, since: start, valid: null, paths: [[]], ...change,
})

export const access = (change: Partial<AccessChange> = {}): AccessChange => ({
  type: 'AccessChange', home: 'identity/ann', identity: 'ann', app: 'billing', account: 'ann@x', kind: 'human', status: 'active', gone: false,
  set: [grant()], removed: [], valid: null, observed: start, decided: start + 5, cause, ...change,
})

export const lag = (change: Partial<LagSample> = {}): LagSample => ({
  type: 'LagSample', home: 'identity/ann', app: 'billing', entitlement: 'invoices:write', direction: 'grant', desired: start, observed: start + 900,
  lagMs: 900, decided: start + 1_000, cause, ...change,
})

export const syncRun = (change: Partial<SyncRun> = {}): SyncRun => ({
  type: 'SyncRun', source: 'billing', run: 1, phase: 'begin', partition: null, verdict: null, reason: null, place: null, at: start, pages: 0, read: 0,
  rejected: 0, changed: 0, absent: 0, held: 0, classes: [], schemaChanges: null, unknownApps: null, unresolved: null, ...change,
})

export const deadLetter = (change: Partial<DeadLetter> = {}): DeadLetter => ({
  type: 'DeadLetter', id: 'd-1', source: 'billing', run: 4, stage: 'connect', code: 'mapping', reason: 'no id', place: 'accounts.csv line 7',
  record: null, payload: '{}', at: start, state: 'open', by: null, why: null, cause, ...change,
})

export const action = (more: Partial<ActionChange> = {}): ActionChange => ({
  type: 'ActionChange', id: 'f1', version: 'v1', state: 'proposed', mode: 'approve', kind: 'unauthorised-grant', severity: 'high',
  home: 'identity/ann', identity: 'ann', app: 'billing', account: 'a', entitlement: 'pay', object: null, detail: 'why',
  operations: [
    { name: 'disable-account', account: 'A', ref: null, credential: null, attributes: {} },
    { name: 'revoke', account: 'A', ref: { kind: 'role', id: 'R' }, credential: null, attributes: {} },
  ],
  loses: [{ entitlement: 'read', desired: true }], obstacle: null, attempt: 0, commandId: null, verdict: null, reason: null, by: null, why: null,
  due: null, at: 1_000, cause: { topic: 'actions', partition: 0, offset: 4, index: 0 }, ...more,
})

export const ruling = (change: Partial<Ruling> = {}): Ruling => ({ type: 'Ruling', source: 'billing', kind: 'retire', run: null, by: 'eve', reason: 'sold', at: start, ...change })
