import type { LagSample } from '../../schemas/wire/results.ts'
import { equal } from '../../src/core/equal.ts'
import { compareKeys } from '../../src/core/order.ts'
import type { Context } from '../../src/ports/processor.ts'
import { accessGone, diffAccess } from './access-diff.ts'
import { evaluate, type Evaluation } from './evaluate.ts'
import { diffFindings, type FindingsChange } from './findings-diff.ts'
import type { Homes } from './homes.ts'
import { accountName, type Loaded, type Taken } from './intake.ts'
import { awaited, settled } from './lag.ts'
import { PairMemo } from '../shared/memo.ts'
import type { AccountRow, DesiredRow, HomeRow, HomeView, Planned, Rules } from './model.ts'
import { propose } from './proposals.ts'

/** Evaluates a home as it is after a fact (or as it was, when time, a setting or a baseline moved) and emits every difference. */
export function judgeHome(context: Context, homes: Homes, rules: Rules, before: Loaded, after: Taken): void {
  const { desired, references, held } = after.row
  const view: HomeView = { home: after.home, desired, references, held, accounts: after.accounts }
  const evaluation = evaluate(view, rules, before.row.open.length > 0)
  const accounts = publishAccess(context, before, after, evaluation)
  const { now, position } = context
  const findings = diffFindings({
    view,
    open: before.row.open,
    wanted: evaluation.wanted,
    firstSince: (id) => homes.firstSince(id),
    gone: after.gone,
    now,
    position,
  })
  for (const record of findings.records) context.emit('findings', after.home, record)
  const open = propose(context, view, evaluation.standing, rules, findings)
  homes.remember(findings.closed, findings.reopened)
  for (const sample of lagSamples(context, before, after, evaluation)) context.emit('lag', after.home, sample)
  homes.save(before, { ...after, row: nextRow(before, after, evaluation, { ...findings, open }, open !== findings.open), accounts })
}

/** Answers the accounts as they are to be stored: the same object where nothing about it changed. */
function publishAccess(context: Context, before: Loaded, after: Taken, { verdicts }: Evaluation): AccountRow[] {
  const moment = { home: after.home, now: context.now, position: context.position }
  const old = new Map(before.accounts.map((row) => [accountName(row.fact), row]))
  if (after.gone !== null) {
    const row = old.get(accountName(after.gone))
    if (row !== undefined) context.emit('access', after.home, accessGone(row, after.gone.observed, moment))
  }
  return after.accounts.map((row, i) => {
    const previous = old.get(accountName(row.fact)) ?? null
    const now = verdicts[i]!
    if (row === previous && (now === row.verdicts || now.every((verdict, j) => verdict === row.verdicts[j]))) return row
    const next = { ...row, verdicts: now }
    const change = diffAccess(previous, next, moment)
    if (change !== null) context.emit('access', after.home, change)
    return next
  })
}

function lagSamples({ now, position }: Context, before: Loaded, { home, accounts, evidence }: Taken, { standing, held }: Evaluation): LagSample[] {
  return settled(before.row.waits, standing, held, accounts, evidence).map(({ app, entitlement, direction, desired }) => {
    const observed = evidence!.observed
    const lagMs = Math.max(0, observed - desired)
    return { type: 'LagSample', home, app, entitlement, direction, desired, observed, lagMs, decided: now, cause: position }
  })
}

/** The same object where nothing of the row changed, so that it is not written again. */
function nextRow(
  before: Loaded, { row, accounts }: Taken, { waits, due, missing, overstayed }: Evaluation, findings: FindingsChange, proposed: boolean,
): HomeRow {
  const apps = appsOf(row.desired, accounts)
  const awaits = awaited(missing, overstayed)
  const next: HomeRow = { ...row, open: findings.open, waits, apps, awaits, due }
  const isQuiet = row === before.row && findings.records.length === 0 && !proposed && due === row.due
  return isQuiet && equal([waits, apps, awaits], [row.waits, row.apps, row.awaits]) ? row : next
}

/** Whose settings and baselines the home depends on, sorted. */
function appsOf(desired: DesiredRow | null, accounts: readonly AccountRow[]): readonly string[] {
  const planned = desired === null ? [] : plannedApps.of(desired.plan, desired.plan, '', () => sorted(desired.plan.map(({ app }) => app)))
  const others = (desired?.lapsed ?? []).map(({ app }) => app)
  for (const { fact } of accounts) {
    others.push(fact.app)
    for (const { app } of fact.entries) others.push(app)
    for (const { app } of fact.lapsed) others.push(app)
  }
  return others.every((app) => planned.includes(app)) ? planned : sorted([...planned, ...others])
}

const sorted = (apps: readonly string[]): readonly string[] => [...new Set(apps)].sort(compareKeys)

const plannedApps = new PairMemo<readonly Planned[], readonly Planned[], readonly string[]>()
