import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parse } from 'csv-parse/sync'
import type { Portal } from './portal/server.ts'
import { toCsv } from './world/csv.ts'

/** A week at Acme, told to its own systems: joiners, a mover, a leaver, a changed role, a half-broken portal and its repair. */
export interface Systems {
  /** where prepareAcme set the company up */
  directory: string
  portal: Portal
  /** YYYY-MM-DD of the day that is played */
  today: string
}

export interface Day {
  title: string
  play(systems: Systems): void
}

export const week: readonly Day[] = [
  {
    title: 'two joiners, of whom only one gets accounts',
    play({ directory, today }) {
      const joiner = (employee: string, name: string, mail: string, personnel_no: string, department: string, title: string): Row => ({
        employee, name, mail, personnel_no, department, title, worker: 'employee', first_day: today, left_on: '', continues: '',
      })
      editCsv(directory, 'hr/identities.csv', (rows) => [
        ...rows,
        joiner('P4000', 'Nils Neu', 'nils.neu@acme.example', '704000', 'Finance', 'Clerk'),
        joiner('P4001', 'Olivia Offen', 'olivia.offen@acme.example', '704001', 'Plant', 'Operator'),
      ])
      billing(directory, `INSERT INTO users VALUES ('u9500', 'nils.neu@acme.example', 'Nils Neu', 'A', 'P', NULL, '${today}', '${today}')`)
      billing(directory, `INSERT INTO user_roles VALUES ('u9500', 'R_CLERK')`)
      editCsv(directory, 'hr-tool/users.csv', (rows) => [...rows, { login: 'nils.neu', employee_no: '704000', name: 'Nils Neu', active: 'yes', created: today, last_login: today }])
      editCsv(directory, 'hr-tool/assignments.csv', (rows) => [...rows, { login: 'nils.neu', role: 'self-service' }])
    },
  },
  {
    title: 'a clerk moves to Sales and keeps the billing role',
    play({ directory }) {
      editCsv(directory, 'hr/identities.csv', (rows) => rows.map((row) => (row['employee'] === 'P1012' ? { ...row, department: 'Sales', title: 'Representative' } : row)))
    },
  },
  {
    title: 'an operator leaves',
    play({ directory, today }) {
      editCsv(directory, 'hr/identities.csv', (rows) => rows.map((row) => (row['employee'] === 'P1350' ? { ...row, left_on: today } : row)))
    },
  },
  {
    title: 'the portal account of the leaver is disabled; recipe editors may now release orders',
    play({ directory, portal }) {
      const user = portal.store.user(loginOf(directory, 'P1350'))
      if (user === undefined) throw new Error('the week begins on a company that was prepared')
      const { groups: _groups, ...rest } = user
      portal.store.putUser({ ...rest, enabled: false })
      const editors = portal.store.groups().find(({ id }) => id === 'recipe-editors')
      if (editors !== undefined) portal.store.putGroup({ ...editors, permissions: [...editors.permissions, 'order:release'] })
    },
  },
  {
    title: 'the portal loses a page on the day that an account vanishes without an event',
    play({ directory, portal }) {
      portal.store.purgeUser(loginOf(directory, 'P1800'))
      portal.breakPage({ list: 'users', page: 3 })
    },
  },
  {
    title: 'the portal is repaired; the leaver’s last account is disabled',
    play({ directory, portal }) {
      portal.breakPage(null)
      portal.store.dropMemberships(loginOf(directory, 'P1800'))
      const login = loginOf(directory, 'P1350')
      editCsv(directory, 'hr-tool/users.csv', (rows) => rows.map((row) => (row['login'] === login ? { ...row, active: 'no' } : row)))
    },
  },
  {
    title: 'a viewer becomes a clerk at last, and the legacy export gets an owner',
    play({ directory }) {
      billing(directory, `UPDATE user_roles SET role_code = 'R_CLERK' WHERE user_id = 'u1007'`)
      editCsv(directory, 'governance/links.csv', (rows) => [...rows, { app: 'billing', account: 'svc-legacy', identity: 'P2905', relation: 'owner' }])
    },
  },
]

type Row = Record<string, string>

function readCsv(directory: string, name: string): Row[] {
  return parse<Row>(readFileSync(join(directory, name)), { columns: true })
}

function editCsv(directory: string, name: string, edit: (rows: Row[]) => Row[]): void {
  writeFileSync(join(directory, name), toCsv(edit(readCsv(directory, name))))
}

function billing(directory: string, statement: string): void {
  const db = new DatabaseSync(join(directory, 'billing', 'billing.db'))
  db.exec(statement)
  db.close()
}

function loginOf(directory: string, employee: string): string {
  const mail = readCsv(directory, 'hr/identities.csv').find((row) => row['employee'] === employee)?.['mail']
  if (mail === undefined) throw new Error(`HR has no ${employee}`)
  return mail.slice(0, mail.indexOf('@'))
}
