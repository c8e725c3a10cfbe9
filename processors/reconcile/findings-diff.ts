import type { Position } from '../../schemas/wire/common.ts'
import type { AccountGone } from '../../schemas/wire/facts.ts'
import type { Finding } from '../../schemas/wire/results.ts'
import { accountHome, identityOf, isIdentityHome } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import { findingId, localName } from './finding-id.ts'
import type { FindingKey, HomeView, OpenFinding, Wanted } from './model.ts'

export type Gone = Pick<AccountGone, 'app' | 'account' | 'reason' | 'to' | 'observed'>

export interface FindingsChange {
  records: Finding[]
  open: OpenFinding[]
  /** those that closed, with their first `since`, which a reopening takes up again */
  closed: OpenFinding[]
  reopened: string[]
}

interface DiffInput {
  view: HomeView
  open: readonly OpenFinding[]
  wanted: readonly Wanted[]
  /** first `since` of a finding that is closed */
  firstSince(id: string): number | undefined
  /** the account that the record in hand takes from this home */
  gone: Gone | null
  now: number
  position: Position
}

/** What changes from the findings that are open to those that are wanted; equal ones write nothing. */
export function diffFindings(input: DiffInput): FindingsChange {
  const change: FindingsChange = { records: [], open: [], closed: [], reopened: [] }
  // what is not decided opens nothing: it only keeps what is open already
  const relevant = input.open.length > 0 ? input.wanted : input.wanted.filter(({ decided }) => decided)
  if (relevant.length + input.open.length === 0) return change
  const wanted = new Map(relevant.map((one) => [localName(one), one]))
  const open = new Map(input.open.map((one) => [localName(one), one]))
  for (const name of [...open.keys()].filter((one) => !wanted.has(one)).sort(compareKeys)) close(input, open.get(name)!, change)
  for (const name of [...wanted.keys()].sort(compareKeys)) keepOrOpen(input, wanted.get(name)!, open.get(name), change)
  return change
}

function keepOrOpen(input: DiffInput, wanted: Wanted, open: OpenFinding | undefined, change: FindingsChange): void {
  if (!wanted.decided) {
    if (open !== undefined) change.open.push(open)
    return
  }
  if (open === undefined) {
    const id = findingId(input.view.home, wanted)
    const before = input.firstSince(id)
    const since = before ?? Math.min(input.now, wanted.age ?? input.now)
    if (before !== undefined) change.reopened.push(id)
    const opened = { ...nameOf(wanted), id, severity: wanted.severity, since, opened: input.now, detail: wanted.detail, plan: null }
    change.open.push(opened)
    change.records.push(record(input, opened, before === undefined ? 'opened' : 'reopened', wanted))
    return
  }
  if (open.severity === wanted.severity && open.detail === wanted.detail) {
    change.open.push(open)
    return
  }
  const changed = { ...open, severity: wanted.severity, detail: wanted.detail }
  change.open.push(changed)
  change.records.push(record(input, changed, 'changed', wanted))
}

function close(input: DiffInput, open: OpenFinding, change: FindingsChange): void {
  const gone = input.gone !== null && concerns(input.gone, open, input.view.home) ? input.gone : null
  const closed = record(input, open, 'closed', gone === null ? evidence(input.view, open) : goneEvidence(gone, input.position))
  closed.closedAs = gone === null ? 'resolved' : gone.reason === 'moved' ? 'moved' : 'gone'
  closed.successor = gone?.reason === 'moved' && gone.to !== null ? successor(gone.to, open, gone.account) : null
  change.closed.push(open)
  change.records.push(closed)
}

function concerns(gone: Gone, finding: FindingKey, home: string): boolean {
  return home === accountHome(gone.app, gone.account) || (finding.app === gone.app && finding.account === gone.account)
}

/** The same finding at the account's new home; null where that kind is seldom there, and then for a reason of its own. */
function successor(to: string, finding: FindingKey, account: string): string | null {
  const foreign = isIdentityHome(to) ? ['orphaned-account', 'unowned-nhi'] : ['leaver-access', 'owner-left']
  if (foreign.includes(finding.kind)) return null
  // what is claimed for one account names it where others could be meant
  return findingId(to, finding.kind === 'missing-grant' ? { ...finding, account: isIdentityHome(to) ? account : null } : finding)
}

type Proof = Pick<Finding, 'valid' | 'observed' | 'causes'>

/** A finding that closes is explained by the facts now in force where it stood; one about no account by all accounts of its application. */
function evidence({ accounts, references, held, desired }: HomeView, finding: FindingKey): Proof {
  const concerned = (row: { app: string; account: string }): boolean => row.app === finding.app && row.account === finding.account
  const account = accounts.find(({ fact }) => concerned(fact))
  const positions = [
    ...accounts.filter(({ fact }) => (finding.account === null ? fact.app === finding.app : concerned(fact))).map(({ position }) => position),
    ...references.filter(concerned).map(({ position }) => position),
    ...held.filter(({ source }) => source === finding.app).map(({ position }) => position),
    ...(desired === null ? [] : [desired.position]),
  ]
  const observed = account === undefined ? null : Math.floor(account.fact.observed / 1_000)
  return { valid: account?.fact.valid ?? null, observed, causes: positions }
}

function goneEvidence(gone: Gone, position: Position): Proof {
  return { valid: null, observed: Math.floor(gone.observed / 1_000), causes: [position] }
}

function nameOf({ kind, app, account, entitlement, object }: FindingKey): FindingKey {
  return { kind, app, account, entitlement, object }
}

function record(input: DiffInput, { plan: _, ...finding }: OpenFinding, change: Finding['change'], { valid, observed, causes }: Proof): Finding {
  const { home } = input.view
  return {
    type: 'Finding',
    ...finding,
    change,
    home,
    identity: isIdentityHome(home) ? identityOf(home) : null,
    closedAs: null,
    successor: null,
    valid,
    observed,
    decided: input.now,
    causes,
    cause: input.position,
  }
}
