import { iso } from './dates.ts'
import { staff, type Person } from './people.ts'

/** The whole company as its systems would hold it: rows for the billing database, the portal, the HR tool and the governance side. */
export interface Company {
  people: Person[]
  billing: {
    users: { user_id: string; email: string; full_name: string; state: 'A' | 'X'; user_type: 'P' | 'S'; owner_email: string; created_at: string; last_login: string }[]
    roles: { role_code: string; label: string }[]
    roleImplies: { role_code: string; implied_code: string }[]
    rolePermissions: { role_code: string; perm_code: string }[]
    userRoles: { user_id: string; role_code: string }[]
    userPermissions: { user_id: string; perm_code: string }[]
    apiKeys: { key_id: string; user_id: string; created_at: string; last_used_at: string; expires_at: string }[]
  }
  portal: {
    users: { login: string; name: string; personnelNo: string; mail: string; enabled: boolean; type: 'person' | 'robot'; responsible: string; createdOn: string; lastSeen: string }[]
    groups: { id: string; title: string; permissions: string[]; members: string[]; subgroups: string[] }[]
  }
  hrTool: {
    users: { login: string; employee_no: string; name: string; active: 'yes' | 'no'; created: string; last_login: string }[]
    roles: { role: string; permission: string }[]
    assignments: { login: string; role: string }[]
  }
  businessRoles: { id: string; name: string; grants: { app: string; entitlement: string }[]; when: Record<string, string> }[]
  roleAssignments: { id: string; identity: string; role: string; from: string; until: string }[]
  requests: { id: string; identity: string; account: string; app: string; entitlement: string; from: string; until: string; approvedBy: string }[]
  decisions: { id: string; campaign: string; identity: string; account: string; app: string; entitlement: string; verdict: 'keep' | 'revoke'; by: string; at: string }[]
  links: { app: string; account: string; identity: string; relation: 'holder' | 'owner' }[]
}

const billingNames: Record<string, string> = {
  INV_R: 'billing.invoice.read', INV_W: 'billing.invoice.write', INV_APP: 'billing.invoice.approve', PAY_R: 'billing.payment.read',
  PAY_REL: 'billing.payment.release', CUST_R: 'billing.customer.read', REP_R: 'billing.report.read', CFG_W: 'billing.config.write', EXP_X: 'billing.export.run',
}
export const billingCatalogue = billingNames
export const portalCatalogue: Record<string, string> = {
  'line:view': 'portal.line.view', 'line:start': 'portal.line.start', 'line:stop': 'portal.line.stop', 'order:read': 'portal.order.read',
  'order:release': 'portal.order.release', 'shift:plan': 'portal.shift.plan', 'recipe:edit': 'portal.recipe.edit',
}
export const hrCatalogue: Record<string, string> = {
  'leave.request': 'hr.leave.request', 'payslip.read': 'hr.payslip.read', 'leave.approve': 'hr.leave.approve', 'salary.read': 'hr.salary.read',
}

const of = (app: string, ...names: string[]): { app: string; entitlement: string }[] => names.map((name) => ({ app, entitlement: `${app}.${name}` }))

/** A company in which every access is as intended. */
export function cleanCompany(): Company {
  const people = staff()
  const company: Company = {
    people,
    billing: {
      users: [],
      roles: [
        { role_code: 'R_VIEWER', label: 'Viewer' },
        { role_code: 'R_CLERK', label: 'Clerk' },
        { role_code: 'R_MANAGER', label: 'Manager' },
        { role_code: 'R_SUPPORT', label: 'Support desk' },
        { role_code: 'R_BATCH', label: 'Night batch' },
      ],
      roleImplies: [
        { role_code: 'R_CLERK', implied_code: 'R_VIEWER' },
        { role_code: 'R_MANAGER', implied_code: 'R_VIEWER' },
        // the vendor's own installation script makes these two imply each other
        { role_code: 'R_VIEWER', implied_code: 'R_SUPPORT' },
        { role_code: 'R_SUPPORT', implied_code: 'R_VIEWER' },
      ],
      rolePermissions: [
        { role_code: 'R_VIEWER', perm_code: 'INV_R' },
        { role_code: 'R_SUPPORT', perm_code: 'CUST_R' },
        { role_code: 'R_CLERK', perm_code: 'INV_W' },
        { role_code: 'R_CLERK', perm_code: 'PAY_R' },
        { role_code: 'R_MANAGER', perm_code: 'INV_APP' },
        { role_code: 'R_MANAGER', perm_code: 'PAY_REL' },
        { role_code: 'R_MANAGER', perm_code: 'REP_R' },
        { role_code: 'R_BATCH', perm_code: 'EXP_X' },
      ],
      userRoles: [],
      userPermissions: [],
      apiKeys: [],
    },
    portal: {
      users: [],
      groups: [
        { id: 'plant-floor', title: 'Everyone on the floor', permissions: ['line:view'], members: [], subgroups: ['operators', 'supervisors'] },
        { id: 'operators', title: 'Line operators', permissions: ['line:start', 'order:read'], members: [], subgroups: [] },
        { id: 'supervisors', title: 'Shift supervisors', permissions: ['line:stop', 'order:release', 'shift:plan'], members: [], subgroups: [] },
        { id: 'desk', title: 'Order desk', permissions: ['order:read'], members: [], subgroups: [] },
        { id: 'recipe-editors', title: 'Recipe editors', permissions: ['recipe:edit'], members: [], subgroups: [] },
      ],
    },
    hrTool: {
      users: [],
      roles: [
        { role: 'self-service', permission: 'leave.request' },
        { role: 'self-service', permission: 'payslip.read' },
        { role: 'approver', permission: 'leave.approve' },
        { role: 'hr-partner', permission: 'salary.read' },
      ],
      assignments: [],
    },
    businessRoles: [
      { id: 'employee', name: 'Every employee', grants: of('hr', 'leave.request', 'payslip.read'), when: { worker: 'employee' } },
      { id: 'finance-clerk', name: 'Finance clerk', grants: of('billing', 'invoice.read', 'customer.read', 'invoice.write', 'payment.read'), when: { department: 'Finance', title: 'Clerk' } },
      { id: 'finance-manager', name: 'Finance manager', grants: [...of('billing', 'invoice.read', 'customer.read', 'invoice.approve', 'payment.release', 'report.read'), ...of('hr', 'leave.approve')], when: { department: 'Finance', title: 'Manager' } },
      { id: 'support-agent', name: 'Support agent', grants: [...of('billing', 'customer.read', 'invoice.read'), ...of('portal', 'order.read')], when: { department: 'Support', title: 'Agent' } },
      { id: 'plant-operator', name: 'Plant operator', grants: of('portal', 'line.view', 'line.start', 'order.read'), when: { department: 'Plant', title: 'Operator' } },
      { id: 'plant-supervisor', name: 'Plant supervisor', grants: [...of('portal', 'line.view', 'line.stop', 'order.release', 'shift.plan'), ...of('hr', 'leave.approve')], when: { department: 'Plant', title: 'Supervisor' } },
      { id: 'hr-partner', name: 'HR partner', grants: of('hr', 'salary.read'), when: { department: 'HR', title: 'Partner' } },
      { id: 'recipe-owner', name: 'Owner of recipes', grants: of('portal', 'recipe.edit'), when: {} },
    ],
    roleAssignments: [],
    requests: [],
    decisions: [],
    links: [],
  }
  people.forEach((person, i) => addAccounts(company, person, i))
  addServiceAccounts(company)
  return company
}

/** The accounts that a person's job needs, as each system spells them; those who left have them disabled. */
export function addAccounts(company: Company, person: Person, i: number): void {
  const active = person.end === null
  const login = person.email.split('@')[0]!
  const lastSeen = iso(active ? -(i % 20) : -100)
  const job = `${person.department}/${person.title}`
  const billingRole = { 'Finance/Clerk': 'R_CLERK', 'Finance/Manager': 'R_MANAGER', 'Support/Agent': 'R_SUPPORT' }[job]
  if (billingRole !== undefined) {
    const user_id = `u${1000 + i}`
    company.billing.users.push({ user_id, email: person.email.toUpperCase(), full_name: `${person.given} ${person.family}`, state: active ? 'A' : 'X', user_type: 'P', owner_email: '', created_at: person.start, last_login: lastSeen })
    if (active) company.billing.userRoles.push({ user_id, role_code: billingRole })
  }
  const portalGroup = { 'Plant/Operator': 'operators', 'Plant/Supervisor': 'supervisors', 'Support/Agent': 'desk' }[job]
  if (portalGroup !== undefined) {
    company.portal.users.push({ login, name: `${person.given} ${person.family}`, personnelNo: person.personnelNo, mail: person.email, enabled: active, type: 'person', responsible: '', createdOn: person.start, lastSeen })
    if (active) company.portal.groups.find(({ id }) => id === portalGroup)!.members.push(login)
  }
  company.hrTool.users.push({ login, employee_no: person.personnelNo, name: `${person.given} ${person.family}`, active: active ? 'yes' : 'no', created: person.start, last_login: lastSeen })
  if (!active) return
  company.hrTool.assignments.push({ login, role: 'self-service' })
  if (person.title === 'Manager' || person.title === 'Supervisor') company.hrTool.assignments.push({ login, role: 'approver' })
  if (person.department === 'HR') company.hrTool.assignments.push({ login, role: 'hr-partner' })
}

/** Two dozen service accounts with keys, each owned, approved and rotated. */
function addServiceAccounts(company: Company): void {
  const engineers = company.people.filter(({ department, end }) => department === 'IT' && end === null)
  for (let k = 0; k < 24; k++) {
    const user_id = `svc-batch-${k}`
    const owner = engineers[k]!
    company.billing.users.push({ user_id, email: '', full_name: `Night batch ${k}`, state: 'A', user_type: 'S', owner_email: owner.email, created_at: iso(-300), last_login: iso(-1) })
    company.billing.userRoles.push({ user_id, role_code: 'R_BATCH' })
    company.billing.apiKeys.push({ key_id: `key-${k}`, user_id, created_at: iso(-90), last_used_at: iso(-1), expires_at: iso(200) })
    company.requests.push({ id: `RQ-S${k}`, identity: '', account: user_id, app: 'billing', entitlement: 'billing.export.run', from: iso(-300), until: '', approvedBy: 'P3040' })
  }
  for (let k = 0; k < 6; k++) {
    const login = `robot-${k}`
    company.portal.users.push({ login, name: `Line robot ${k}`, personnelNo: '', mail: '', enabled: true, type: 'robot', responsible: engineers[30 + k]!.email, createdOn: iso(-500), lastSeen: iso(0) })
    company.portal.groups.find(({ id }) => id === 'desk')!.members.push(login)
    company.requests.push({ id: `RQ-R${k}`, identity: '', account: login, app: 'portal', entitlement: 'portal.order.read', from: iso(-500), until: '', approvedBy: 'P3040' })
  }
}
