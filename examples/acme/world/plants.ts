import type { Company } from './company.ts'
import { iso } from './dates.ts'

/** One finding that has to come out. Empty where the kind has no such part. */
export interface Answer {
  kind: string
  app: string
  account: string
  identity: string
  entitlement: string
  object: string
  why: string
}

const answer = (kind: string, why: string, parts: Partial<Omit<Answer, 'kind' | 'why'>>): Answer => ({ kind, app: '', account: '', identity: '', entitlement: '', object: '', ...parts, why })

const person = (company: Company, i: number): Company['people'][number] => company.people[i]!
const login = (company: Company, i: number): string => person(company, i).email.split('@')[0]!
const id = (i: number): string => `P${1000 + i}`
const billingUser = (company: Company, user: string): Company['billing']['users'][number] => company.billing.users.find(({ user_id }) => user_id === user)!
const group = (company: Company, name: string): Company['portal']['groups'][number] => company.portal.groups.find((candidate) => candidate.id === name)!

/** Plants what is wrong at Acme, and what only looks wrong. The answers are the first half, exactly. */
export function plant(company: Company): Answer[] {
  const { billing, portal, hrTool, requests } = company
  const answers: Answer[] = []

  billing.userPermissions.push({ user_id: 'u1003', perm_code: 'INV_APP' })
  answers.push(answer('unauthorised-grant', 'a permission given by hand', { app: 'billing', account: 'u1003', identity: id(3), entitlement: 'billing.invoice.approve' }))

  group(company, 'recipe-editors').members.push(login(company, 300))
  answers.push(answer('unauthorised-grant', 'a group that nobody approved', { app: 'portal', account: login(company, 300), identity: id(300), entitlement: 'portal.recipe.edit' }))

  hrTool.assignments.push({ login: login(company, 5), role: 'approver' })
  answers.push(answer('unauthorised-grant', 'an approver who is no manager', { app: 'hr', account: login(company, 5), identity: id(5), entitlement: 'hr.leave.approve' }))

  group(company, 'recipe-editors').members.push(login(company, 320))
  requests.push({ id: 'RQ-320', identity: id(320), account: '', app: 'portal', entitlement: 'portal.recipe.edit', from: iso(-60), until: '', approvedBy: 'P2080' })
  company.decisions.push({ id: 'CD-320', campaign: '2025-Q4', identity: id(320), account: '', app: 'portal', entitlement: 'portal.recipe.edit', verdict: 'revoke', by: 'P2080', at: iso(-15) })
  answers.push(answer('unauthorised-grant', 'revoked in the last campaign, never taken away', { app: 'portal', account: login(company, 320), identity: id(320), entitlement: 'portal.recipe.edit' }))

  billing.userRoles.find(({ user_id }) => user_id === 'u1007')!.role_code = 'R_VIEWER'
  for (const entitlement of ['billing.invoice.write', 'billing.payment.read']) answers.push(answer('missing-grant', 'a clerk set up as a viewer', { app: 'billing', identity: id(7), entitlement }))

  billing.users.splice(billing.users.findIndex(({ user_id }) => user_id === 'u2200'), 1)
  billing.userRoles.splice(billing.userRoles.findIndex(({ user_id }) => user_id === 'u2200'), 1)
  for (const entitlement of ['billing.customer.read', 'billing.invoice.read']) answers.push(answer('missing-grant', 'an agent without an account', { app: 'billing', identity: id(1200), entitlement }))

  requests.push({ id: 'RQ-1505', identity: id(1505), account: '', app: 'portal', entitlement: 'portal.line.view', from: iso(-3), until: iso(60), approvedBy: 'P2080' })
  answers.push(answer('missing-grant', 'approved, never fulfilled', { app: 'portal', identity: id(1505), entitlement: 'portal.line.view' }))

  billing.users.push({ user_id: 'u9001', email: 'old.contractor@partner.example', full_name: 'Old Contractor', state: 'A', user_type: 'P', owner_email: '', created_at: iso(-700), last_login: iso(-2) })
  billing.userRoles.push({ user_id: 'u9001', role_code: 'R_CLERK' })
  answers.push(answer('orphaned-account', 'nobody in HR has this address', { app: 'billing', account: 'u9001' }))

  portal.users.push({ login: 'extern.weld', name: 'External welding', personnelNo: '', mail: 'weld@partner.example', enabled: true, type: 'person', responsible: '', createdOn: iso(-650), lastSeen: iso(-4) })
  group(company, 'operators').members.push('extern.weld')
  answers.push(answer('orphaned-account', 'an outside firm’s shared login', { app: 'portal', account: 'extern.weld' }))

  billingUser(company, 'u1049').state = 'A'
  billing.userRoles.push({ user_id: 'u1049', role_code: 'R_CLERK' })
  billingUser(company, 'u1049').last_login = iso(-1)
  answers.push(answer('leaver-access', 'left, and logged in yesterday', { app: 'billing', account: 'u1049', identity: id(49) }))

  const welder = portal.users.find((user) => user.login === login(company, 299))!
  welder.enabled = true
  welder.lastSeen = iso(-12)
  group(company, 'operators').members.push(welder.login)
  answers.push(answer('leaver-access', 'left, never disabled', { app: 'portal', account: welder.login, identity: id(299) }))

  billing.users.push({ user_id: 'u2510', email: person(company, 1510).email, full_name: 'Quarter-end helper', state: 'A', user_type: 'P', owner_email: '', created_at: iso(-100), last_login: iso(-12) })
  billing.userPermissions.push({ user_id: 'u2510', perm_code: 'REP_R' })
  requests.push({ id: 'RQ-1510', identity: id(1510), account: '', app: 'billing', entitlement: 'billing.report.read', from: iso(-100), until: iso(-10), approvedBy: 'P1240' })
  answers.push(answer('expired-grant', 'approved until ten days ago', { app: 'billing', account: 'u2510', identity: id(1510), entitlement: 'billing.report.read' }))

  billing.users.push({ user_id: 'svc-legacy', email: '', full_name: 'Legacy export', state: 'A', user_type: 'S', owner_email: '', created_at: iso(-2000), last_login: iso(-1) })
  billing.userPermissions.push({ user_id: 'svc-legacy', perm_code: 'CFG_W' }, { user_id: 'svc-legacy', perm_code: 'INV_R' })
  answers.push(answer('unowned-nhi', 'no owner was ever written down', { app: 'billing', account: 'svc-legacy' }))

  portal.users.push({ login: 'robot-old', name: 'Decommissioned robot', personnelNo: '', mail: '', enabled: true, type: 'robot', responsible: 'facilities@acme.example', createdOn: iso(-1500), lastSeen: iso(0) })
  group(company, 'operators').members.push('robot-old')
  answers.push(answer('unowned-nhi', 'owned by a mailbox, not by a person', { app: 'portal', account: 'robot-old' }))

  billing.users.push({ user_id: 'svc-archive', email: '', full_name: 'Archive job', state: 'A', user_type: 'S', owner_email: person(company, 1949).email, created_at: iso(-900), last_login: iso(-1) })
  billing.userRoles.push({ user_id: 'svc-archive', role_code: 'R_BATCH' })
  requests.push({ id: 'RQ-ARCH', identity: '', account: 'svc-archive', app: 'billing', entitlement: 'billing.export.run', from: iso(-900), until: '', approvedBy: 'P3040' })
  answers.push(answer('owner-left', 'its owner left the company', { app: 'billing', account: 'svc-archive', identity: id(1949) }))

  billing.apiKeys.find(({ key_id }) => key_id === 'key-3')!.created_at = iso(-500)
  answers.push(answer('stale-credential', 'never rotated', { app: 'billing', account: 'svc-batch-3', object: 'key-3' }))
  billing.apiKeys.find(({ key_id }) => key_id === 'key-4')!.expires_at = iso(-5)
  answers.push(answer('stale-credential', 'expired, still listed', { app: 'billing', account: 'svc-batch-4', object: 'key-4' }))

  billingUser(company, 'u1010').last_login = iso(-200)
  answers.push(answer('dormant-account', 'not used for 200 days', { app: 'billing', account: 'u1010', identity: id(10) }))
  portal.users.find((user) => user.login === login(company, 310))!.lastSeen = iso(-150)
  answers.push(answer('dormant-account', 'not used for 150 days', { app: 'portal', account: login(company, 310), identity: id(310) }))

  billing.userPermissions.push({ user_id: 'u1011', perm_code: 'XCFG_9' })
  answers.push(answer('unmapped-entitlement', 'a permission that the catalogue does not know', { app: 'billing', account: 'u1011', identity: id(11), entitlement: 'XCFG_9' }))

  billing.userPermissions.push({ user_id: 'u1245', perm_code: 'INV_W' })
  requests.push({ id: 'RQ-245', identity: id(245), account: '', app: 'billing', entitlement: 'billing.invoice.write', from: iso(-40), until: iso(300), approvedBy: 'P1241' })
  answers.push(answer('sod-conflict', 'approved, and against the rule', { identity: id(245), object: 'pay-and-invoice' }))

  billing.users.push({ user_id: 'u2085', email: person(company, 1085).email, full_name: 'Supervisor with invoices', state: 'A', user_type: 'P', owner_email: '', created_at: iso(-50), last_login: iso(-3) })
  billing.userPermissions.push({ user_id: 'u2085', perm_code: 'INV_APP' })
  requests.push({ id: 'RQ-1085', identity: id(1085), account: '', app: 'billing', entitlement: 'billing.invoice.approve', from: iso(-50), until: '', approvedBy: 'P1240' })
  answers.push(answer('sod-conflict', 'across two applications', { identity: id(1085), object: 'release-and-approve' }))

  const namesake = { ...person(company, 1500), id: id(2050), given: 'Nadia', family: 'Namesake', email: person(company, 99).email, personnelNo: '702050', start: iso(-20), end: null }
  company.people.push(namesake)
  hrTool.users.push({ login: 'nadia.namesake', employee_no: namesake.personnelNo, name: 'Nadia Namesake', active: 'yes', created: iso(-20), last_login: iso(-1) })
  hrTool.assignments.push({ login: 'nadia.namesake', role: 'self-service' })
  answers.push(answer('ambiguous-match', 'a leaver’s address was given to a new colleague', { app: 'billing', account: 'u1099', identity: id(99) }))

  plantInnocent(company)
  return answers
}

/** What a careless reconciliation would report, and must not. */
function plantInnocent(company: Company): void {
  const { billing, portal, hrTool, requests } = company

  // hired again under a new id: the old account is theirs, because HR says that the one continues the other
  const old = company.people[149]!
  const back = { ...old, id: id(2051), personnelNo: '702051', department: 'Finance', title: 'Clerk', start: iso(-10), end: null, continues: old.id }
  company.people.push(back)
  const user = billingUser(company, 'u1149')
  user.state = 'A'
  user.last_login = iso(-2)
  billing.userRoles.push({ user_id: 'u1149', role_code: 'R_CLERK' })
  hrTool.users.push({ login: 'back.again', employee_no: back.personnelNo, name: `${back.given} ${back.family}`, active: 'yes', created: iso(-10), last_login: iso(-1) })
  hrTool.assignments.push({ login: 'back.again', role: 'self-service' })

  // an account that no rule can match, linked by hand
  billing.users.push({ user_id: 'u9100', email: 'dpo@acme.example', full_name: 'Data protection', state: 'A', user_type: 'P', owner_email: '', created_at: iso(-300), last_login: iso(-1) })
  billing.userPermissions.push({ user_id: 'u9100', perm_code: 'REP_R' })
  company.links.push({ app: 'billing', account: 'u9100', identity: id(2010), relation: 'holder' })
  requests.push({ id: 'RQ-9100', identity: id(2010), account: '', app: 'billing', entitlement: 'billing.report.read', from: iso(-300), until: '', approvedBy: 'P1240' })

  // a second account of one person, with access that the first one's job already justifies
  const supervisor = company.people[1090]!
  portal.users.push({ login: 'supervisor.panel', name: 'Panel login', personnelNo: supervisor.personnelNo, mail: '', enabled: true, type: 'person', responsible: '', createdOn: iso(-200), lastSeen: iso(-1) })
  group(company, 'plant-floor').members.push('supervisor.panel')

  // kept in a campaign, though no role and no request stands for it any more
  billing.userPermissions.push({ user_id: 'u1020', perm_code: 'REP_R' })
  company.decisions.push({ id: 'CD-20', campaign: '2025-Q4', identity: id(20), account: '', app: 'billing', entitlement: 'billing.report.read', verdict: 'keep', by: 'P1240', at: iso(-30) })

  // a business role held by assignment, not by department
  group(company, 'recipe-editors').members.push(login(company, 1100))
  company.roleAssignments.push({ id: 'RA-1', identity: id(1100), role: 'recipe-owner', from: iso(-200), until: iso(200) })
}

/** What grantline itself corrects without asking, by the policy in ../grantline.yaml. */
export const isCorrected = ({ kind, app }: Pick<Answer, 'kind'> & { app: string | null }): boolean => kind === 'leaver-access' && app === 'portal'

/** What has to be open after ../week.ts: what was repaired is gone, what went wrong in the week has come. */
export function answersAfterWeek(company: Company, before: readonly Answer[]): Answer[] {
  const repaired = (item: Answer): boolean =>
    (item.kind === 'missing-grant' && item.identity === id(7)) || (item.kind === 'unowned-nhi' && item.account === 'svc-legacy') || isCorrected(item)
  const missing = (app: string, identity: string, why: string, ...entitlements: string[]): Answer[] => entitlements.map((entitlement) => answer('missing-grant', why, { app, identity, entitlement }))
  const unauthorised = (app: string, account: string, identity: string, why: string, ...entitlements: string[]): Answer[] =>
    entitlements.map((entitlement) => answer('unauthorised-grant', why, { app, account, identity, entitlement }))
  return [
    ...before.filter((item) => !repaired(item)),
    ...missing('portal', 'P4001', 'a joiner without accounts', 'portal.line.view', 'portal.line.start', 'portal.order.read'),
    ...missing('hr', 'P4001', 'a joiner without accounts', 'hr.leave.request', 'hr.payslip.read'),
    ...unauthorised('billing', 'u1012', id(12), 'a mover who kept everything', 'billing.invoice.read', 'billing.customer.read', 'billing.invoice.write', 'billing.payment.read'),
    ...unauthorised('portal', login(company, 300), id(300), 'the group got another permission', 'portal.order.release'),
    ...unauthorised('portal', login(company, 320), id(320), 'the group got another permission', 'portal.order.release'),
    ...missing('portal', id(800), 'the account was deleted', 'portal.line.view', 'portal.line.start', 'portal.order.read'),
    ...unauthorised('billing', 'svc-legacy', '', 'owned now, approved never', 'billing.config.write', 'billing.invoice.read'),
  ]
}
