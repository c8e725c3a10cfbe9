import type { ActionChange, ActionDecision, ActionRecord, Proposal, WriteResult, WriteVerdict } from '../../../schemas/wire/actions.ts'
import type { Operation } from '../../../schemas/wire/operations.ts'
import type { Command, Finding } from '../../../schemas/wire/results.ts'
import { RemedySetting } from '../../../schemas/settings.ts'
import { remediate } from '../../../processors/remediate/remediate.ts'
import { ProcessorDriver, type DriverOptions, type Output } from '../../support/processor-driver.ts'

/** 2026-03-01T00:00:00Z */
export const T0 = Date.UTC(2026, 2, 1)
export const SECOND = 1_000
export const DAY = 86_400_000
const cause = { topic: 'facts', partition: 0, offset: 7, index: 0 }

let revision = 0
/** `policy` by finding kind; everything settles at once unless told otherwise. */
export const setting = (more: object = {}, app = 'billing'): ActionRecord => ({
  type: 'Setting', name: `remedy/${app}`, revision: ++revision, digest: '',
  value: JSON.stringify(RemedySetting.parse({
    policy: { otherwise: 'approve', kinds: { 'leaver-access': 'auto', 'expired-grant': 'auto', 'missing-grant': 'auto', 'dormant-account': 'observe' } },
    settleSeconds: 0, retrySeconds: 10, ...more,
  })),
})

export const tick = (ms: number): ActionRecord => ({ type: 'Tick', at: ms })

export const revoke = (account: string, id: string): Operation => ({ name: 'revoke', account, ref: { kind: 'role', id }, credential: null, attributes: {} })
export const give = (account: string, id: string): Operation => ({ ...revoke(account, id), name: 'grant' })

export const proposal = (finding: string, more: Partial<Proposal> = {}): Proposal => ({
  type: 'Proposal', finding, version: `${finding}-1`, change: 'proposed', kind: 'expired-grant', severity: 'high', home: 'identity/ann', identity: 'ann',
  app: 'billing', account: finding, entitlement: 'pay', object: null, detail: `why ${finding}`, operations: [revoke(finding, 'R')], loses: [], obstacle: null,
  opened: T0, observed: T0, decided: T0, causes: [cause], cause, ...more,
})

export const gone = (finding: string, observed: number | null, more: Partial<Proposal> = {}): Proposal =>
  proposal(finding, { change: 'closed', observed, operations: [], ...more })

export const decision = (finding: string | null, what: ActionDecision['decision'], more: Partial<ActionDecision> = {}): ActionDecision => ({
  type: 'ActionDecision', app: 'billing', finding, version: finding === null ? null : `${finding}-1`, decision: what, by: 'A. Kaya', why: 'she said so',
  until: null, at: T0, ...more,
})

export const result = (command: Command, verdict: WriteVerdict, writtenMs: number, more: Partial<WriteResult> = {}): WriteResult => ({
  type: 'WriteResult', app: command.app, finding: command.write!.finding, version: command.write!.version, commandId: command.id,
  command: { topic: 'commands', partition: 0, offset: 1, index: 0 }, verdict, reason: null, steps: [], written: writtenMs * 1_000, readBack: null,
  at: writtenMs, ...more,
})

export const census = (accounts: number): ActionRecord => ({ type: 'Census', app: 'billing', run: 1, accounts, at: T0 })

export function given(records: readonly ActionRecord[], options: DriverOptions = {}): ProcessorDriver<'actions'> {
  const driver = new ProcessorDriver(remediate, options)
  driver.push(tick(T0), ...records)
  return driver
}

export const changes = (outputs: readonly Output[]): ActionChange[] => outputs.map(({ record }) => record).filter((one) => one.type === 'ActionChange')
export const commands = (outputs: readonly Output[]): Command[] => outputs.map(({ record }) => record).filter((one) => one.type === 'Command')
export const findings = (outputs: readonly Output[]): Finding[] => outputs.map(({ record }) => record).filter((one) => one.type === 'Finding')

/** `a approved`: what changed, as short text. */
export const told = (outputs: readonly Output[]): string[] => changes(outputs).map(({ id, state }) => `${id} ${state}`)
export const written = (outputs: readonly Output[]): string[] => commands(outputs).map(({ write }) => write!.finding)
