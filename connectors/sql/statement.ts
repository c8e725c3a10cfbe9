/**
 * The text of a query with what is quoted or commented blanked out, of the same length, so that words, brackets and semicolons
 * that remain are the statement's own and stand where they stood. Null where a quote or comment is left open.
 */
export function bareText(sql: string): string | null {
  let bare = ''
  for (let at = 0; at < sql.length; ) {
    const end = endOfQuoted(sql, at)
    if (end === null) return null
    if (end > at) {
      bare += ' '.repeat(end - at)
      at = end
    } else {
      bare += sql.charAt(at)
      at++
    }
  }
  return bare
}

/** Where the quoted or commented piece that begins at `at` ends; `at` itself if none begins there; null if it never ends. */
function endOfQuoted(sql: string, at: number): number | null {
  const after = (mark: string, from: number): number | null => {
    const found = sql.indexOf(mark, from)
    return found < 0 ? null : found + mark.length
  }
  const char = sql.charAt(at)
  if (sql.startsWith('--', at)) return after('\n', at) ?? sql.length
  if (sql.startsWith('/*', at)) return endOfBlockComment(sql, at)
  if (char === "'" || char === '"') {
    const escapes = char === "'" && /(^|[^A-Za-z0-9_$])[eE]$/.test(sql.slice(Math.max(0, at - 2), at))
    for (let i = at + 1; i < sql.length; i++) {
      if (escapes && sql.charAt(i) === '\\') i++
      else if (sql.charAt(i) === char && sql.charAt(i + 1) === char) i++
      else if (sql.charAt(i) === char) return i + 1
    }
    return null
  }
  if (char === '$' && !/[A-Za-z0-9_$]/.test(sql.charAt(at - 1))) {
    const tag = /^\$([A-Za-z_][A-Za-z0-9_]*)?\$/.exec(sql.slice(at))?.[0]
    if (tag !== undefined) return after(tag, at + tag.length)
  }
  return at
}

/** PostgreSQL nests block comments; where SQLite would end one earlier, the rest reads as comment here and is refused there. */
function endOfBlockComment(sql: string, at: number): number | null {
  let depth = 0
  for (let i = at; i < sql.length; ) {
    if (sql.startsWith('/*', i)) {
      depth++
      i += 2
    } else if (sql.startsWith('*/', i)) {
      depth--
      i += 2
      if (depth === 0) return i
    } else i++
  }
  return null
}

/** Why the text is not one statement that only reads, or null. */
export function statementProblem(sql: string): string | null {
  const bare = bareText(sql)
  if (bare === null) return 'a quote or comment is not closed'
  const text = bare.trim().replace(/;\s*$/, '')
  if (!/^(select|with)\b/i.test(text)) return 'only one SELECT or WITH statement is accepted'
  if (text.includes(';')) return 'only one statement is accepted: remove what follows the semicolon'
  let depth = 0
  for (const char of text) {
    if (char === '(') depth++
    if (char === ')') depth--
    if (depth < 0) return 'a bracket closes that was never opened'
  }
  return depth === 0 ? null : 'a bracket is not closed'
}

/** Why a single-account query does not bind exactly the account's id, or null. */
export function placeholderProblem(sql: string, placeholder: '$1' | '?'): string | null {
  const bare = bareText(sql) ?? ''
  const found = bare.match(placeholder === '$1' ? /\$\d+/g : /\?\d*/g) ?? []
  const good = placeholder === '$1' ? found.length > 0 && found.every((mark) => mark === '$1') : found.join() === '?'
  if (good) return null
  return placeholder === '$1'
    ? 'bind the account’s id as $1 and nothing else'
    : 'bind the account’s id with a single ? and nothing else'
}

/** A trailing semicolon would end the statement inside the brackets that are put around it. */
function inner(sql: string): string {
  const bare = (bareText(sql) ?? sql).trimEnd()
  return bare.endsWith(';') ? `${sql.slice(0, bare.length - 1)} ${sql.slice(bare.length)}` : sql
}

const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

/** The query, but only the named columns: what is not configured does not even leave the database. */
export function selectColumns(sql: string, columns: readonly string[]): string {
  return `SELECT ${columns.map(quoted).join(', ')} FROM (\n${inner(sql)}\n) AS grantline_stream`
}

export function selectCount(sql: string): string {
  return `SELECT count(*) AS total FROM (\n${inner(sql)}\n) AS grantline_stream`
}
