import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { prepareAcme } from '../../examples/acme/prepare.ts'
import { startPortal, type Portal } from '../../examples/acme/portal/server.ts'
import { PortalData, PortalStore } from '../../examples/acme/portal/store.ts'
import { week } from '../../examples/acme/week.ts'
import { toCsv } from '../../examples/acme/world/csv.ts'

export const adminKey = 'the-key-of-the-test'
/** an ordinary day, noon UTC */
const firstDay = Date.UTC(2026, 10, 23, 12)
const dayMs = 86_400_000
/** Homes of a joiner and a leaver: in the week, the feeds and the applications each tell a part of their story. */
export const unordered: ReadonlySet<string> = new Set(['identity/P4000', 'identity/P1350', 'account/billing/u9500', 'account/hr/nils.neu'])
/** One in so many people stays, besides those that a story is about. */
const oneIn = 10
const example = fileURLToPath(new URL('../../examples/acme', import.meta.url))

/**
 * The example with a tenth of its people and all of its stories, in a directory of its own. Its portal runs in this process, so it
 * outlives the processes that read it. Time begins on the same day in every company, and goes on as the wall clock does.
 */
export class Company {
  readonly directory: string
  readonly portal: Portal
  /** the config file */
  readonly file: string
  readonly threads: number
  #offsetMs = firstDay - Date.now()

  private constructor(directory: string, portal: Portal, file: string, threads: number) {
    this.directory = directory
    this.portal = portal
    this.file = file
    this.threads = threads
  }

  /** Without `corrects`, nothing is written unasked: when that would happen depends on how long a run takes. */
  static async open({ corrects = false, threads = 1 } = {}): Promise<Company> {
    const directory = mkdtempSync(join(tmpdir(), 'grantline-crash-acme-'))
    prepareAcme(directory, firstDay)
    const portal = await startPortal(new PortalStore(cut(directory)), { port: 0, adminKey })
    const text = readFileSync(join(example, 'grantline.yaml'), 'utf8')
      .replaceAll('./work', directory)
      .replace('leaver-access: auto', corrects ? 'leaver-access: auto' : 'leaver-access: observe')
      .replace('http://127.0.0.1:7411', portal.url)
      .replaceAll('./portal/connector.ts', join(example, 'portal', 'connector.ts'))
      // each source is read once in a pass, however slow the machine
      .replaceAll('everySeconds: 30', 'everySeconds: 86400')
    const file = join(directory, 'grantline.yaml')
    writeFileSync(file, text)
    return new Company(directory, portal, file, threads)
  }

  /** What has to be added to the wall clock to get this company's time, ms. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  passMinutes(minutes: number): void {
    this.#offsetMs += minutes * 60_000
  }

  /** A week later: joiners, a mover, a leaver, a disabled account, a changed role; accounts that are gone, with and without a reread. */
  passWeek(): void {
    const now = firstDay + 7 * dayMs
    this.#offsetMs = now - Date.now()
    const today = new Date(now).toISOString().slice(0, 10)
    for (const [index, day] of week.entries()) {
      // the day on which the portal breaks a page that this small one does not have
      if (index !== 4) day.play({ directory: this.directory, portal: this.portal, today })
    }
    const operators = this.portal.store.groups().find(({ id }) => id === 'operators')?.members ?? []
    for (const login of operators.slice(10, 13)) {
      this.portal.store.deleteUser(login)
      this.editHrTool((lines) => lines.filter((line) => !line.startsWith(`${login},`)))
    }
  }

  /** Edits the lines of the HR tool's users, without their header. */
  editHrTool(edit: (lines: string[]) => string[]): void {
    const path = join(this.directory, 'hr-tool', 'users.csv')
    const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
    writeFileSync(path, `${[header, ...edit(lines)].join('\n')}\n`)
  }

  async close(): Promise<void> {
    await this.portal.close()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

type Row = Record<string, string>

/** Takes the people out that no story needs, everywhere but in the portal, whose smaller data it answers. */
function cut(directory: string): PortalData {
  const rowsOf = (name: string): Row[] => parse<Row>(readFileSync(join(directory, name)), { columns: true })
  const keep = (name: string, isKept: (row: Row) => boolean): void => writeFileSync(join(directory, name), toCsv(rowsOf(name).filter(isKept)))
  const people = rowsOf('hr/identities.csv')
  const stories = new Set(storyTexts(directory).join('\n').match(/P\d{4}/g))
  const mails = new Map<string, number>()
  for (const { mail } of people) mails.set(mail!, (mails.get(mail!) ?? 0) + 1)
  const { users, groups } = PortalData.parse(JSON.parse(readFileSync(join(directory, 'portal', 'portal.json'), 'utf8')))
  const owners = new Set([...rowsOf('billing/users.csv').map((row) => row['owner_email']!.toLowerCase()), ...users.map(({ responsible }) => responsible)])
  const hasStory = ({ employee, mail, continues }: Row): boolean =>
    stories.has(employee!) || continues !== '' || owners.has(mail!) || mails.get(mail!)! > 1
  const kept = people.filter((row, i) => i % oneIn === 0 || hasStory(row))
  const dropped = people.filter((row) => !kept.includes(row))
  const gone = new Set(dropped.flatMap(({ mail, personnel_no }) => [mail!, personnel_no!]))
  for (const { mail } of kept) gone.delete(mail!)

  keep('hr/identities.csv', ({ employee }) => kept.some((row) => row['employee'] === employee))
  const logins = new Set(rowsOf('hr-tool/users.csv').flatMap(({ login, employee_no }) => (gone.has(employee_no!) ? [login!] : [])))
  keep('hr-tool/users.csv', ({ login }) => !logins.has(login!))
  keep('hr-tool/assignments.csv', ({ login }) => !logins.has(login!))
  cutBilling(join(directory, 'billing', 'billing.db'), gone)

  const left = users.filter(({ personnelNo, mail }) => !gone.has(personnelNo) && !gone.has(mail))
  const known = new Set(left.map(({ login }) => login))
  const all = new Set(users.map(({ login }) => login))
  return { users: left, groups: groups.map((group) => ({ ...group, members: group.members.filter((login) => known.has(login) || !all.has(login)) })) }
}

/** Everything that names a person for a reason: what governance says about single ones, the answers, the week. */
function storyTexts(directory: string): string[] {
  const governance = ['requests.ndjson', 'decisions.ndjson', 'links.csv', 'role-assignments.csv'].map((name) => join(directory, 'governance', name))
  const others = ['seed/answers.csv', 'seed/answers-week.csv', 'week.ts'].map((name) => join(example, name))
  return [...governance, ...others].map((path) => readFileSync(path, 'utf8'))
}

function cutBilling(path: string, gone: ReadonlySet<string>): void {
  const db = new DatabaseSync(path)
  db.exec('BEGIN')
  const remove = ['user_roles', 'user_permissions', 'api_keys', 'users'].map((table) => db.prepare(`DELETE FROM ${table} WHERE user_id = ?`))
  for (const { user_id, email } of db.prepare('SELECT user_id, email FROM users').all() as { user_id: string; email: string | null }[]) {
    if (email !== null && gone.has(email.toLowerCase())) for (const statement of remove) statement.run(user_id)
  }
  db.exec('COMMIT')
  db.close()
}
