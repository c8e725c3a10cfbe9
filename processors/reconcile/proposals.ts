import type { Proposal } from '../../schemas/wire/actions.ts'
import type { Finding } from '../../schemas/wire/results.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { identityOf, isIdentityHome } from '../../src/core/keys.ts'
import type { Context } from '../../src/ports/processor.ts'
import type { FindingsChange } from './findings-diff.ts'
import type { HomeView, OpenFinding, Rules } from './model.ts'
import { planOf, type Plan } from './plan.ts'
import type { Standing } from './standing.ts'

/**
 * Tells actions what would correct the open findings of a home, wherever that changed, and which of them closed. Answers the open
 * findings as they are to be stored: the same array where nothing was told.
 */
export function propose(context: Context, view: HomeView, standing: Standing, rules: Rules, { open, closed, records }: FindingsChange): OpenFinding[] {
  for (const finding of closed) {
    if (finding.plan !== null) tell(context, view, finding, finding.plan, null, closing(finding, view, records))
  }
  const next = open.map((finding) => {
    const plan = currentPlan(finding, view, standing, rules)
    const version = plan === null ? null : digest(canonical([finding.opened, plan.operations, plan.obstacle]))
    if (version === finding.plan) return finding
    tell(context, view, finding, version ?? finding.plan!, plan, evidence(finding, view, records))
    return { ...finding, plan: version }
  })
  return next.every((finding, i) => finding === open[i]) ? open : next
}

function currentPlan(finding: OpenFinding, view: HomeView, standing: Standing, rules: Rules): Plan | null {
  const app = finding.app === null ? null : rules.app(finding.app)
  return app === null || app.corrections === null ? null : planOf(finding, view, standing, app)
}

type Evidence = Pick<Finding, 'observed' | 'causes'>

function tell(context: Context, { home }: HomeView, finding: OpenFinding, version: string, plan: Plan | null, { observed, causes }: Evidence): void {
  const { id, kind, severity, app, account, entitlement, object, detail, opened } = finding
  const record: Proposal = {
    type: 'Proposal', finding: id, version, change: plan === null ? 'closed' : 'proposed', kind, severity, home,
    identity: isIdentityHome(home) ? identityOf(home) : null, app: app!, account, entitlement, object, detail,
    operations: plan?.operations ?? [], loses: plan?.loses ?? [], obstacle: plan?.obstacle ?? null,
    opened, observed, decided: context.now, causes, cause: context.position,
  }
  context.emit('actions', app!, record)
}

/** What showed that the finding is no more: of a missing grant, the newest observation of the accounts there. */
function closing(finding: OpenFinding, view: HomeView, records: readonly Finding[]): Evidence {
  const record = records.find(({ id }) => id === finding.id)
  const told = { observed: record?.observed ?? null, causes: record?.causes ?? [] }
  return told.observed === null ? evidence(finding, view, records) : told
}

function evidence(finding: OpenFinding, { accounts, desired }: HomeView, records: readonly Finding[]): Evidence {
  const record = records.find(({ id }) => id === finding.id)
  const concerned = accounts.filter(({ fact }) => fact.app === finding.app && (finding.account === null || fact.account === finding.account))
  const observed = concerned.map(({ fact }) => Math.floor(fact.observed / 1_000))
  const positions = [...concerned.map(({ position }) => position), ...(desired === null ? [] : [desired.position])]
  return { observed: observed.length === 0 ? null : Math.max(...observed), causes: record?.causes.length ? record.causes : positions }
}
