import { bareText } from './statement.ts'

/** `:name`, but neither the cast `::text` nor an array slice `[1:2]`. */
const parameter = /(?<![:\w])(:)([a-z]+(?:\.[A-Za-z][\w-]*)?)/g
const names = ['account', 'ref', 'kind', 'credential', 'key', 'secret'] as const

/** Why the text can't be bound, or null. */
export function bindProblem(sql: string): string | null {
  const bare = bareText(sql)
  if (bare === null) return 'a quote or comment is not closed'
  const text = bare.trim().replace(/;\s*$/, '')
  if (text.includes(';')) return 'only one statement is accepted in each entry'
  const unknown = [...text.matchAll(parameter)].map((match) => match[2] ?? '').find((name) => !isKnown(name))
  return unknown === undefined ? null : `:${unknown} is none of ${names.map((name) => `:${name}`).join(', ')}, :attributes.NAME`
}

/** Why the query of changes does not bind the cursor and nothing else, or null. */
export function cursorProblem(sql: string): string | null {
  const mentioned = [...(bareText(sql) ?? '').matchAll(parameter)].map((match) => match[2])
  return mentioned.length > 0 && mentioned.every((name) => name === 'cursor') ? null : 'bind where changes begin as :cursor, and nothing else'
}

const isKnown = (name: string): boolean => names.some((known) => known === name) || name.startsWith('attributes.')

/** Whether the statement takes the new secret, be it where nothing can be bound. */
export const asksForSecret = (sql: string, driver: 'postgres' | 'sqlite'): boolean =>
  bindable(sql, driver).names.includes('secret') || (driver === 'postgres' && sql.includes("'grantline.secret'"))

interface BoundStatement {
  sql: string
  /** names of what is bound, in the order of their placeholders */
  names: string[]
}

/** The statement with its driver's placeholders, one for each mention. */
export function bindable(sql: string, driver: 'postgres' | 'sqlite'): BoundStatement {
  const bare = bareText(sql) ?? sql
  const found: string[] = []
  let text = ''
  let from = 0
  for (const match of bare.matchAll(parameter)) {
    found.push(match[2] ?? '')
    text += sql.slice(from, match.index) + (driver === 'postgres' ? `$${found.length}` : '?')
    from = match.index + match[0].length
  }
  return { sql: text + sql.slice(from), names: found }
}
