import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { billingCatalogue, cleanCompany, hrCatalogue, portalCatalogue } from './company.ts'
import { toCsv } from './csv.ts'
import { answersAfterWeek, plant } from './plants.ts'

/** `node examples/acme/world/seed.ts` writes the seed: the files in ../seed as they are committed. A test holds them equal. */
export function seedFiles(): Map<string, string> {
  const company = cleanCompany()
  const answers = plant(company)
  const files = new Map<string, string>()
  const csv = (name: string, rows: readonly object[]): void => void files.set(name, toCsv(rows))

  csv('hr/identities.csv', company.people.map(({ id, given, family, email, personnelNo, department, title, worker, start, end, continues }) => ({
    employee: id, name: `${given} ${family}`, mail: email, personnel_no: personnelNo, department, title, worker, first_day: start, left_on: end ?? '', continues: continues ?? '',
  })))
  csv('billing/users.csv', company.billing.users)
  csv('billing/roles.csv', company.billing.roles)
  csv('billing/role_implies.csv', company.billing.roleImplies)
  csv('billing/role_permissions.csv', company.billing.rolePermissions)
  csv('billing/user_roles.csv', company.billing.userRoles)
  csv('billing/user_permissions.csv', company.billing.userPermissions)
  csv('billing/api_keys.csv', company.billing.apiKeys)
  files.set('portal/portal.json', `${JSON.stringify(company.portal, null, 1)}\n`)
  csv('hr-tool/users.csv', company.hrTool.users)
  csv('hr-tool/role_permissions.csv', company.hrTool.roles)
  csv('hr-tool/assignments.csv', company.hrTool.assignments)
  csv('governance/business-roles.csv', company.businessRoles.flatMap(({ id, name, grants, when }) => grants.map(({ app, entitlement }) => ({ id, name, app, entitlement, when: Object.entries(when).map(([name, value]) => `${name}=${value}`).join('|') }))))
  csv('governance/role-assignments.csv', company.roleAssignments)
  files.set('governance/requests.ndjson', toNdjson(company.requests))
  files.set('governance/decisions.ndjson', toNdjson(company.decisions))
  csv('governance/links.csv', company.links)
  csv('catalogue/billing.csv', catalogue(billingCatalogue))
  csv('catalogue/portal.csv', catalogue(portalCatalogue))
  csv('catalogue/hr.csv', catalogue(hrCatalogue))
  csv('answers.csv', answers)
  csv('answers-week.csv', answersAfterWeek(company, answers))
  return files
}

const catalogue = (names: Record<string, string>): object[] => Object.entries(names).map(([native, name]) => ({ native, name }))

/** Empty values are left out: what is not there is not said. */
function toNdjson(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '')))}\n`).join('')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of seedFiles()) {
    const file = new URL(`../seed/${name}`, import.meta.url)
    mkdirSync(new URL('.', file), { recursive: true })
    writeFileSync(file, text)
  }
}
